"""A way to the catalog that can hold a commit until another one has won."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import urlsplit

HELD_SECONDS_MAX = 120
DROPPED = {"connection", "transfer-encoding", "keep-alive", "content-length"}


class Gate:
    """`held` is set when the first commit to a path has arrived; it goes on when `opened` is."""

    def __init__(self, upstream: str, path: str) -> None:
        self.upstream = urlsplit(upstream)
        self.path = path
        self.held = Event()
        self.opened = Event()
        self.statuses: list[int] = []
        self.uri = ""

    def forward(self, request: BaseHTTPRequestHandler) -> None:
        """Passes a request on and its answer back; `statuses` are those of the commits."""
        body = request.rfile.read(int(request.headers.get("content-length", 0)))
        is_commit = request.command == "POST" and request.path == self.path
        if is_commit and not self.held.is_set():
            self.held.set()
            assert self.opened.wait(HELD_SECONDS_MAX), "the gate was never opened"
        connection = HTTPConnection(self.upstream.hostname or "", self.upstream.port, timeout=60)
        try:
            headers = {name: value for name, value in request.headers.items() if name.lower() not in DROPPED | {"host"}}
            connection.request(request.command, request.path, body=body or None, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if is_commit:
            self.statuses.append(answer.status)
        request.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in DROPPED:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)


@contextmanager
def gated(upstream: str, path: str) -> Iterator[Gate]:
    """A gate for as long as it is needed."""
    gate = Gate(upstream, path)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            gate.forward(self)

        do_GET = do_HEAD = do_POST = do_DELETE = handle_any

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    gate.uri = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield gate
    finally:
        gate.opened.set()
        server.shutdown()
        server.server_close()
