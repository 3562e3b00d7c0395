# Contract: one command starts the catalog, says in one line how to reach it, and leaves nothing behind when it stops.
# Source: README, "From clone to first row"; DESIGN 7.

import base64
import json
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from server import STORE, Server, command_of, free_port, npm_start

DAY_SECONDS = 24 * 3600


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("start") / "data"


@pytest.fixture
def own_server(folder: Path) -> Iterator[Server]:
    """A server of this test alone, on the data folder that the earlier tests of this file left, however they left it."""
    running = Server(folder)
    yield running
    running.stop()


def works(uri: str, token: str) -> bool:
    """Whether an engine with this token is told the configuration of the catalog."""
    request = Request(f"{uri}/v1/config?warehouse=demo", headers={"authorization": f"Bearer {token}"})
    with urlopen(request, timeout=30) as answer:
        return answer.status == 200


def login(server: Server) -> str:
    body = json.dumps({"username": server.username, "password": server.password}).encode()
    request = Request(f"{server.uri}/api/v1/users/login", body, {"content-type": "application/json"})
    with urlopen(request, timeout=30) as answer:
        return json.load(answer)["token"]


def refusal(*options: object) -> str:
    """What `npm start` says on stderr when it ends with 1 and prints nothing else."""
    process = npm_start(*options, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, ""), err
    return err.strip()


def assert_one_sentence(text: str) -> None:
    assert text.count("\n") == 0 and text.endswith(".") and "Error" not in text and "    at " not in text, text


def test_json_is_one_line_and_all_of_stdout(own_server: Server) -> None:
    assert list(own_server.access) == ["uri", "warehouse", "token", "username", "password"]
    assert own_server.uri == f"http://127.0.0.1:{own_server.port}"
    assert (own_server.warehouse, own_server.username) == ("demo", "admin")
    assert len(own_server.password) >= 22
    assert works(own_server.uri, own_server.token)
    assert works(own_server.uri, login(own_server))
    assert own_server.stop() == 0
    assert own_server.process.stdout.read() == ""


def test_token_is_valid_for_a_day_at_least(server: Server) -> None:
    claims = server.token.split(".")[1]
    expiry = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]
    assert expiry - time.time() > DAY_SECONDS


def test_restart_keeps_the_password_and_old_tokens(own_server: Server) -> None:
    before = own_server.access
    own_server.restart()
    assert own_server.password == before["password"]
    assert works(own_server.uri, before["token"])
    assert works(own_server.uri, own_server.token)


@pytest.mark.parametrize(
    "signum", [pytest.param(signal.SIGINT, marks=pytest.mark.one_store("it is taken as SIGTERM is")), signal.SIGTERM]
)
@pytest.mark.parametrize("target", ["group", "npm", "start"])
def test_a_signal_ends_everything(own_server: Server, signum: int, target: str) -> None:
    assert len(own_server.processes()) > 3
    if target == "group":
        os.killpg(own_server.pgid, signum)
    else:
        os.kill(own_server.pgid if target == "npm" else own_server.pid, signum)
    assert own_server.wait_gone() == 0


# What a start leaves in its folder, one after the other.
MOMENTS = {"postgres": ["postgres", "database.json"], "mongo": ["database.json"]}.get(STORE or "", ["migrations.json"])


@pytest.mark.parametrize("moment", ["secrets.json", *MOMENTS, "worker.env", "v3"])
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_a_start_cut_short_leaves_a_usable_folder(tmp_path: Path, moment: str, signum: int) -> None:
    server = Server.__new__(Server)
    server.data, server.port, server.host, server.log = tmp_path / "data", free_port(), None, tmp_path / "log"
    server.process = server.launch()
    while not (server.data / moment).exists():
        assert server.process.poll() is None, server.log_tail()
        time.sleep(0.001)
    assert server.stop(signum) == (0 if signum == signal.SIGTERM else -signal.SIGKILL)
    server.start()
    assert works(server.uri, server.token)
    assert server.stop() == 0


def test_kill_of_the_whole_tree_needs_no_cleanup(own_server: Server) -> None:
    before = own_server.access
    for _ in range(3):
        own_server.kill9()
        own_server.start()
    assert own_server.password == before["password"]
    assert works(own_server.uri, before["token"])


def test_kill_of_a_part_of_the_tree_needs_no_cleanup(own_server: Server) -> None:
    npm_and_start = (own_server.pgid, own_server.pid)
    survivors = set(own_server.processes()) - set(npm_and_start)
    for pid in npm_and_start:
        os.kill(pid, signal.SIGKILL)
    own_server.process.wait()
    own_server.start()
    assert not any("workerd" in command_of(pid) for pid in survivors)
    assert works(own_server.uri, own_server.token)


def test_a_server_that_dies_is_reported(own_server: Server) -> None:
    wrangler = next(pid for pid in own_server.processes() if "wrangler-dist" in command_of(pid))
    os.kill(wrangler, signal.SIGKILL)
    assert own_server.wait_gone() == 1
    assert "The server ended by itself" in own_server.log_tail()


def test_two_starts_run_side_by_side(server: Server, own_server: Server) -> None:
    assert server.uri != own_server.uri and server.password != own_server.password
    assert works(server.uri, server.token) and works(own_server.uri, own_server.token)
    assert own_server.stop() == 0
    assert works(server.uri, server.token)


def test_a_folder_in_use_is_refused(own_server: Server) -> None:
    said = refusal("--json", "--port", free_port(), "--data", own_server.data)
    assert_one_sentence(said)
    assert str(own_server.data) in said
    assert works(own_server.uri, own_server.token)


@pytest.mark.one_store("refused before a store is opened")
def test_a_busy_port_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refusal("--json", "--port", port, "--data", tmp_path / "data")
    assert_one_sentence(said)
    assert str(port) in said


@pytest.mark.one_store("refused before a store is opened")
def test_an_unwritable_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in ["file", "file/below"]:
        said = refusal("--json", "--port", free_port(), "--data", tmp_path / folder)
        assert_one_sentence(said)
        assert str(tmp_path / folder) in said


@pytest.mark.one_store("refused before a store is opened")
def test_a_newer_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    written = json.dumps({"format": 2, "later": True})
    (tmp_path / "format.json").write_text(written)
    said = refusal("--json", "--port", free_port(), "--data", tmp_path)
    assert_one_sentence(said)
    assert "newer version" in said
    assert (tmp_path / "format.json").read_text() == written


@pytest.mark.one_store("refused before a store is opened")
def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    assert_one_sentence(refusal("--json", "--port", free_port(), "--data", tmp_path))
    assert os.listdir(tmp_path) == ["thesis.txt"]


@pytest.mark.one_store("refused before a store is opened")
@pytest.mark.parametrize(
    "options", [["--colour"], ["--port", "http"], ["--port", "0"], ["--port", "65536"], ["--data="], ["--json=yes"], ["up"]]
)
def test_a_wrong_option_is_refused(options: list[str]) -> None:
    assert_one_sentence(refusal(*options))


def test_secrets_are_for_their_owner_only(own_server: Server) -> None:
    assert stat.S_IMODE(own_server.data.stat().st_mode) == (0o711 if STORE == "postgres" and os.getuid() == 0 else 0o700)
    secrets = json.loads((own_server.data / "secrets.json").read_text())
    for name in ["secrets.json", "worker.env"]:
        assert stat.S_IMODE((own_server.data / name).stat().st_mode) == 0o600
    commands = " ".join(command_of(pid) for pid in own_server.processes())
    hidden = [secrets["adminPassword"], secrets["s3SecretAccessKey"], secrets["signingKeys"]["keys"][0]["d"]]
    assert not [secret for secret in hidden if secret in commands or secret in own_server.log.read_text()]
