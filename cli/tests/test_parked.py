import json
import subprocess
import sys
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from local_stack.keys import make_keys
from local_stack.passwords import make_passwords
from local_stack.ports import Ports
from local_stack.state_folder import StateFolder
from tillit_cli.main import app
from typer.testing import CliRunner


def tillit(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tillit_cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", [["parked", "list"], ["parked", "replay"], ["import", "people", "nobody.json"]])
def test_without_a_stack_a_command_says_how_to_make_one(tmp_path: Path, command: list[str]) -> None:
    answer = tillit(*command, "--state", str(tmp_path))
    assert answer.returncode == 1
    assert answer.stderr == f"tillit: there is no stack in {tmp_path}: `tillit up` makes one\n"


def help_of(*command: str) -> str:
    answer = CliRunner().invoke(app, [*command, "--help"])
    assert answer.exit_code == 0
    return " ".join(answer.output.split())


@pytest.mark.parametrize(
    "command", ["up", "down", "status", "logs", "demo", "import", "parked", "outbox", "trace", "log"]
)
def test_every_command_tells_what_it_does(command: str) -> None:
    assert f"{command} [OPTIONS]" in help_of(command)


def test_the_help_of_imports_tells_what_the_exit_code_means() -> None:
    for what in ("positions", "people"):
        assert "1 with --strict" in help_of("import", what)


RECORD = {
    "id": 7,
    "topic": "profile.v1",
    "partition": 2,
    "offset": 24,
    "key": None,
    "event_id": None,
    "event_type": None,
    "reason": "the record has no key",
    "parked_at": "2030-01-02T03:04:05Z",
}


class OneUnreadableRecord(BaseHTTPRequestHandler):
    """A service that parked one record whose key could not be read."""

    def do_GET(self) -> None:
        self._answer({"items": [RECORD], "next": None})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({"keys": []})

    def _answer(self, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def one_of_four(tmp_path: Path) -> Generator[Path]:
    """The folder of a stack in which audit-log answers and the other services are down."""
    with HTTPServer(("127.0.0.1", 0), OneUnreadableRecord) as server:
        serving = Thread(target=server.serve_forever)
        serving.start()
        state = StateFolder(tmp_path)
        state.make()
        make_keys(state)
        make_passwords(state)
        state.postgres_place.write_text(str(tmp_path))
        down = {"profile": 1, "notifications": 2, "retention": 3}
        state.remember_ports(Ports().with_changes({**down, "audit_log": server.server_port}))
        yield tmp_path
        server.shutdown()
        serving.join()


def test_a_service_that_is_down_does_not_hide_what_the_others_have_parked(one_of_four: Path) -> None:
    answer = tillit("parked", "list", "--state", str(one_of_four))
    assert answer.returncode == 1, "the list is not whole"
    assert "audit-log  7   profile.v1  2@24   unreadable       2030-01-02 03:04  the record has no key" in answer.stdout
    assert "notifications did not take GET /admin/parked: ConnectError" in answer.stdout


def test_a_replay_tells_of_records_that_nothing_can_run(one_of_four: Path) -> None:
    answer = tillit("parked", "replay", "--service", "audit-log", "--state", str(one_of_four))
    assert answer.returncode == 0
    assert answer.stdout.startswith("0 parked records ran.\naudit-log: 1 parked records have no key")
