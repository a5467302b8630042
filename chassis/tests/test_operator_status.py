"""The status of a service tells what its workers saw, whichever process is asked, and whether the keyring answers."""

from datetime import timedelta

import pytest
from chassis.admin_answers import ServiceStatus
from chassis.errors import KeyringUnavailable
from chassis.sightings import Sighting, What
from chassis.sql import borrow

from chassis import sightings

from .operator_edge import edge
from .town import AT, CATEGORIES, Town


async def status(town: Town) -> ServiceStatus:
    async with edge(town.service) as client:
        answer = await client.get("/admin/status")
    assert answer.status_code == 200
    return ServiceStatus.model_validate_json(answer.content)


async def test_what_was_seen_later_stays_whoever_writes_last(town: Town) -> None:
    async with borrow(town.service.database.pool) as connection:
        await sightings.remember(connection, [Sighting(What.BROKER, AT + timedelta(hours=1))])
        await sightings.remember(connection, [Sighting(What.BROKER, AT)])
        found = {one.what: one.seen_at for one in await sightings.all_of(connection)}
    assert found[What.BROKER] == AT + timedelta(hours=1)


async def test_lag_is_what_stands_on_the_topics_beyond_the_databases_offsets(town: Town) -> None:
    seen = [
        Sighting(What.END, AT, "elsewhere.v1/0", 10),
        Sighting(What.END, AT, "elsewhere.v1/1", 5),
        Sighting(What.RELAY, AT),
        Sighting(What.WORKER, AT),
    ]
    async with borrow(town.service.database.pool) as connection:
        await sightings.remember(connection, seen)
        await connection.execute("INSERT INTO offsets (topic, partition, next_offset) VALUES ('elsewhere.v1', 0, 7)")
    told = await status(town)
    assert told.lag == {"elsewhere.v1": 8}
    assert told.relay_at == told.worker_at == AT


async def test_a_keyring_that_is_away_is_seen_and_its_last_answer_is_told(town: Town) -> None:
    assert await town.service.keys.reachable()
    town.keyring.unavailable = True
    with pytest.raises(KeyringUnavailable):
        await town.service.keys.make(town.person(), CATEGORIES)
    keyring = (await status(town)).keyring
    assert keyring is not None
    assert not keyring.reachable
    assert keyring.answered_at is not None
    town.keyring.unavailable = False
    keyring = (await status(town)).keyring
    assert keyring is not None
    assert keyring.reachable
    assert keyring.keys_cached == town.service.keys.cached > 0
    assert b'tillit_keyring_requests_total{outcome="refused"}' in town.service.metrics.exposition()
    assert f"tillit_keys_cached {float(town.service.keys.cached)}".encode() in town.service.metrics.exposition()
