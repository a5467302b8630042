"""An operator sees at a glance how each service is, and a service that is away hides no other."""

import asyncio
import json
from typing import cast

from chassis.admin_answers import ServiceStatus

from tests.promises.system import System

from .terminal import frozen, tillit

SERVICES = ("profile", "notifications", "audit-log", "retention")


async def statuses(system: System) -> dict[str, object]:
    told = await tillit(system.info, "status", "--json")
    return cast("dict[str, dict[str, object]]", json.loads(told.out))["services"]


async def test_a_system_at_rest_shows_every_service_with_its_broker_relay_and_keyring(system: System) -> None:
    await system.job_seeker()
    await system.settled()
    await asyncio.sleep(6)  # workers tell every 5 s
    told = {name: ServiceStatus.model_validate(found) for name, found in (await statuses(system)).items()}
    assert sorted(told) == sorted(SERVICES)
    for status in told.values():
        assert status.at is not None
        for seen in (status.worker_at, status.broker_at, status.relay_at):
            assert seen is not None
        assert status.keyring is not None
        assert status.keyring.reachable
        assert set(status.lag.values()) == {0}
        assert (status.outbox_rows, status.outbox_refused, status.parked) == (0, 0, 0)
    assert set(told["profile"].lag) < set(told["audit-log"].lag), "the log listens to everything"
    shown = await tillit(system.info, "status")
    assert shown.code == 0
    assert "No erasure is under way." in shown.out
    for name in (*SERVICES, "to send", "last relay", "lag", "parked", "broker", "keyring"):
        assert name in shown.out


async def test_a_frozen_keyring_is_seen_in_every_service_and_hides_none(system: System) -> None:
    with frozen(system.info, "retention"):
        await asyncio.sleep(2.5)  # what has just answered is not asked again
        told = await statuses(system)
        shown = await tillit(system.info, "status")
    assert "error" in cast("dict[str, object]", told["retention"])
    for name in SERVICES[:-1]:
        keyring = ServiceStatus.model_validate(told[name]).keyring
        assert keyring is not None
        assert not keyring.reachable
        assert keyring.answered_at is not None
    assert "no answer" in shown.out
    assert "retention: retention did not take GET /admin/status: ReadTimeout" in shown.out
    assert "away, " in shown.out
