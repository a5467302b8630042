"""A real process of the service starts only with its own log, and says what is wrong otherwise."""

import pytest
from chassis.logs import SafeError
from chassis.service import Service
from chassis.sql import borrow
from chassis.testing.services import running

from .published import Published
from .rig import Publisher, corrected, somebody, take_in


async def test_with_a_bad_log_key_it_does_not_start(service: Service, published: Published) -> None:
    published.key_file.write_bytes(b"no key at all")
    with pytest.raises(SafeError, match="TILLIT_LOG_KEY_FILE"):
        async with running(service, "api"):
            pytest.fail("it started")


async def test_with_an_older_database_it_is_not_ready_and_publishes_nothing(
    service: Service, published: Published
) -> None:
    publisher, person = Publisher(), somebody()
    await take_in(service, [publisher.record(corrected(person)) for _ in range(5)])
    await published.sequencer(service).take_turn()
    async with running(service, "api"):
        async with borrow(service.database.pool) as connection:
            await connection.execute("DELETE FROM leaves WHERE leaf_index >= 3")
        report = await service.health.ready()
        assert not report.ok
        assert report.parts["log"] is False
        assert report.parts["database"] is True
    assert published.audit().checkpoint.size == 5


async def test_the_role_migrate_takes_the_leaves_back_and_it_is_ready_again(
    service: Service, published: Published
) -> None:
    publisher, person = Publisher(), somebody()
    await take_in(service, [publisher.record(corrected(person)) for _ in range(5)])
    await published.sequencer(service).take_turn()
    async with borrow(service.database.pool) as connection:
        await connection.execute("DELETE FROM leaves WHERE leaf_index >= 3")
    for prepare in service.at_migration:
        await prepare()
    async with running(service, "api"):
        assert (await service.health.ready()).ok
