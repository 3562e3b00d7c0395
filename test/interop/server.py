"""`npm start` as a user calls it: a process group of its own, a free port, a data folder and a log."""

import atexit
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from node import ROOT, Program

READY_SECONDS_MAX = 90
STOP_SECONDS_MAX = 20
STORE = os.environ.get("PANGOLIN_TEST_STORE")


@cache
def mongo() -> Program:
    """The one server of this run, for as long as it lasts; each catalog has a database of its own."""
    program = Program("mongo-server.ts")
    atexit.register(program.close)
    return program


class Server:
    """Starts on construction. `uri`, `warehouse`, `token`, `username` and `password` are what it printed."""

    uri: str
    warehouse: str
    token: str
    username: str
    password: str

    def __init__(self, data: Path, port: int | None = None, host: str | None = None) -> None:
        self.data = data
        self.port = port or free_port()
        self.host = host
        self.log = data.parent / f"{data.name}.log"
        self.start()

    def start(self) -> None:
        """Starts and waits until it says that it is ready."""
        self.process = self.launch()
        self.line = self.process.stdout.readline()
        assert self.line, f"npm start ended with {self.process.wait()}:\n{self.log_tail()}"
        self.access = json.loads(self.line)
        vars(self).update(self.access)

    def launch(self) -> subprocess.Popen[str]:
        """The process, without waiting for anything."""
        let_others_pass(self.data.parent)
        with self.log.open("a") as log:
            process = npm_start(
                "--json", "--port", self.port, "--data", self.data, *(["--host", self.host] if self.host else []),
                *store_options(self.data),
                stdout=subprocess.PIPE, stderr=log,
            )
        self.pgid = process.pid
        return process

    @property
    def pid(self) -> int:
        """The process that npm runs; npm itself is `pgid`."""
        return next(pid for pid in self.processes() if "scripts/start.ts" in command_of(pid).split())

    def processes(self) -> list[int]:
        """Everything alive in the process group, npm first."""
        return sorted(pid for pid in all_processes() if group_of(pid) == self.pgid)

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Tells the whole group to stop; the exit code of npm once nothing of it is left."""
        if self.process.poll() is None:
            os.killpg(self.pgid, signum)
        return self.wait_gone()

    def kill9(self) -> None:
        """Kills the whole group at once, and the database with it."""
        os.killpg(self.pgid, signal.SIGKILL)
        if STORE == "mongo":
            mongo().ask("kill")
        self.wait_gone()

    def restart(self) -> None:
        """Stops and starts again with the same port and data."""
        self.stop()
        self.start()

    def wait_gone(self, seconds: float = STOP_SECONDS_MAX) -> int:
        """The exit code of npm once no process of the group is left, which may take this long."""
        end = time.monotonic() + seconds
        try:
            code = self.process.wait(seconds)
            while left := self.processes():
                assert time.monotonic() < end, f"left after {seconds} s: {[command_of(pid) for pid in left]}"
                time.sleep(0.02)
            return code
        finally:
            for pid in self.processes():
                os.kill(pid, signal.SIGKILL)

    def log_tail(self, lines: int = 60) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def store_options(data: Path) -> list[str]:
    """The store that the run is about, and where a server must be there already, the data folder's database on it."""
    if STORE == "mongo":
        return ["--store", STORE, "--database-url", mongo().ask("url", f"test-{uuid5(NAMESPACE_URL, str(data))}")]
    return ["--store", STORE] if STORE else []


def let_others_pass(folder: Path) -> None:
    """Lets every user pass through the test's own folders: under root, a database server runs as somebody else."""
    for each in [folder, *folder.parents]:
        if Path(tempfile.gettempdir()) in each.parents:
            each.chmod(0o711)


def npm_start(*options: Any, **streams: Any) -> subprocess.Popen[str]:
    """`npm start --silent -- OPTION…` from a shell that knows nothing of the installed packages."""
    return subprocess.Popen(
        ["npm", "start", "--silent", "--", *map(str, options)],
        cwd=ROOT, env=shell_environment(), stdin=subprocess.DEVNULL, text=True, start_new_session=True, **streams,
    )


def shell_environment() -> dict[str, str]:
    """The environment without what `npm test` put into it."""
    path = [folder for folder in os.environ["PATH"].split(os.pathsep) if "node_modules" not in Path(folder).parts]
    own = {name: value for name, value in os.environ.items() if not name.lower().startswith("npm_")}
    return own | {"PATH": os.pathsep.join(path)}


def free_port() -> int:
    """Below what systems hand out by themselves: such a port may be somebody's before it is listened on."""
    while True:
        port = random.randrange(10_240, 32_768)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port


def all_processes() -> list[int]:
    listing = subprocess.run(["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in listing.splitlines())
    return [int(pid) for pid, state in rows if not state.startswith("Z")]


def group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def command_of(pid: int) -> str:
    """The command line, or nothing if the process has ended, whether or not somebody has taken note of that."""
    command = ["ps", "-ww", "-o", "stat=,args=", "-p", str(pid)]
    state, _, args = subprocess.run(command, capture_output=True, text=True).stdout.strip().partition(" ")
    return "" if state.startswith("Z") else args.strip()
