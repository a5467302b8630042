"""An operator sees what is amiss and what to do, and never waits for a service that hangs (listeners that never answer)."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import cast

from chassis.admin_answers import KeyringSeen, ServiceStatus
from chassis.clock import monotonic
from local_stack.keys import key_file, make_keys
from local_stack.ports import Ports
from local_stack.stack import StackInfo
from local_stack.state_folder import StateFolder
from rich.console import Console
from tillit_cli.operator_calls import Breaker, OpenErasures
from tillit_cli.service_status import Seen, as_json, ask, shown


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


AT = datetime(2026, 1, 2, 8, tzinfo=UTC)


def told_of(**changes: object) -> str:
    """What is shown of a system with one service, an hour after nothing was amiss."""
    well = ServiceStatus(
        service="profile",
        at=AT,
        outbox_rows=0,
        outbox_refused=0,
        outbox_oldest=None,
        parked=0,
        work={"mail": 0},
        offsets={},
        lag={"profile.v1": 0},
        keyring=KeyringSeen(reachable=True, answered_at=AT, keys_cached=12),
        relay_at=AT - timedelta(hours=3),
        broker_at=AT - timedelta(seconds=4),
        worker_at=AT - timedelta(seconds=4),
    )
    text = StringIO()
    Console(file=text, width=200).print(shown(Seen({"profile": well.model_copy(update=changes)}, [], [])))
    return text.getvalue()


def test_a_service_that_is_well_shows_when_its_broker_relay_and_keyring_were_last_heard_of() -> None:
    for part in ("3 h ago", "4 s ago", "0 s ago", "12", "No erasure is under way."):
        assert part in told_of()
    for part in ("silent", "away", "no worker", "tillit"):
        assert part not in told_of()


def test_a_broker_that_is_silent_and_a_worker_that_is_gone_are_told_apart() -> None:
    assert "silent for 40 s" in told_of(broker_at=AT - timedelta(seconds=40))
    gone = AT - timedelta(minutes=10)
    assert "no worker for 10 min" in told_of(broker_at=gone, worker_at=gone)
    assert "no worker" in told_of(broker_at=None, worker_at=None)
    assert "not reached yet" in told_of(broker_at=None)


def test_a_keyring_that_is_away_tells_when_it_last_answered() -> None:
    away = KeyringSeen(reachable=False, answered_at=AT - timedelta(minutes=5), keys_cached=3)
    assert "away, 5 min ago" in told_of(keyring=away)


def test_what_waits_is_refused_or_parked_is_told_with_its_cure() -> None:
    waiting = told_of(outbox_rows=7, outbox_refused=2, outbox_oldest=AT - timedelta(seconds=30), parked=4)
    assert "7, oldest 30 s" in waiting
    assert "profile: the broker refuses 2 events as they are: `tillit outbox list`" in waiting
    assert "profile: 4 records are parked: `tillit parked list --service profile`" in waiting
    assert "profile.v1 45" in told_of(lag={"profile.v1": 45, "rights.v1": 0})


def test_a_database_that_was_restored_and_has_not_caught_up_is_said_with_what_it_is_at() -> None:
    assert "profile: its database was restored from a backup, and it is not ready yet: reading the topics again." in (
        told_of(recovering="reading the topics again")
    )


def test_a_breaker_that_holds_erasures_back_is_said_with_the_next_command() -> None:
    text = StringIO()
    breaker = Breaker(tripped=True, tripped_at=AT, begun=101, most=100, held_back=7, agreed=None)
    Console(file=text, width=200).print(shown(Seen({}, [], [], breaker)))
    assert "The breaker holds 7 erasures back: `tillit breaker status`" in text.getvalue()
    assert cast("dict[str, object]", as_json(Seen({}, [], [], breaker))["breaker"])["held_back"] == 7


def test_erasures_under_way_are_counted_by_stage_with_the_oldest() -> None:
    text = StringIO()
    counts = [OpenErasures(stage="asking", count=2, oldest=AT), OpenErasures(stage="fencing", count=1, oldest=AT)]
    Console(file=text, width=200).print(shown(Seen({}, counts, [])))
    assert "Erasures under way: asking 2, oldest" in text.getvalue()
    assert "fencing 1, oldest" in text.getvalue()
    assert as_json(Seen({}, counts, []))["erasures"] == {
        "asking": {"count": 2, "oldest": AT.isoformat()},
        "fencing": {"count": 1, "oldest": AT.isoformat()},
    }


def test_holds_that_nobody_looked_at_are_said_with_the_next_command() -> None:
    text = StringIO()
    Console(file=text, width=200).print(shown(Seen({}, [], [], overdue_holds=2)))
    assert "2 holds were not looked at in time: `tillit hold list --overdue`" in text.getvalue()
