"""Against listeners that accept and never answer, as frozen services do."""

import asyncio
import socket
from io import StringIO
from pathlib import Path

from chassis.clock import monotonic
from local_stack.keys import key_file, make_keys
from local_stack.ports import Ports
from local_stack.stack import StackInfo
from local_stack.state_folder import StateFolder
from rich.console import Console
from tillit_cli.service_status import as_json, ask, shown


def frozen(folder: Path, port: int) -> StackInfo:
    """A stack of which nothing but the operator's key and two services that hang exists."""
    state = StateFolder(folder)
    state.make()
    make_keys(state)
    url = f"http://127.0.0.1:{port}"
    nowhere = Path("/nowhere")
    return StackInfo(
        state=folder,
        ports=Ports(),
        services={"profile": url, "retention": url},
        kafka_bootstrap="",
        smtp_url="",
        mail_url="",
        databases={},
        owner_databases={},
        admin_database="",
        postgres_data=nowhere,
        kafka_data=nowhere,
        mails=nowhere,
        logs=nowhere,
        keys=state.keys,
        kek=nowhere,
        operator_key_file=key_file(state, "operator"),
        services_jwks_file=nowhere,
        login_jwks_file=nowhere,
    )


def test_a_service_that_hangs_does_not_make_the_status_hang(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = monotonic()
        seen = asyncio.run(ask(frozen(tmp_path, int(listener.getsockname()[1])), answer_seconds=0.3))
        assert monotonic() - began < 5
    told = StringIO()
    Console(file=told, width=160).print(shown(seen))
    assert "profile: profile did not take GET /admin/status: ReadTimeout" in told.getvalue()
    assert "erasures: retention did not take GET /erasures/open: ReadTimeout" in told.getvalue()
    assert as_json(seen)["services"] == {name: {"error": seen.services[name]} for name in ("profile", "retention")}
