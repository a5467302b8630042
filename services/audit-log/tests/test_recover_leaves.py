"""A database that was restored from an older backup takes its leaves back from the published log, and never forks it."""

import pytest
from audit_log_service import leaves
from audit_log_service.recover_leaves import recover_leaves
from chassis.logs import SafeError
from chassis.records import Record
from chassis.service import Service
from chassis.sql import borrow
from contracts.log_tiles import Tile

from .published import Published, commitments
from .rig import Publisher, corrected, somebody, take_in


async def restore(service: Service, entries_kept: int) -> None:
    """What a backup holds that was taken when there were so many entries."""
    async with borrow(service.database.pool) as connection:
        for statement in (
            "DELETE FROM leaves WHERE position > $1",
            "DELETE FROM contents WHERE position > $1",
            "DELETE FROM unsequenced_batches WHERE first > $1",
            "DELETE FROM entries WHERE position > $1",
        ):
            await connection.execute(statement, entries_kept)
        await connection.execute("DELETE FROM inbox")


async def a_log(service: Service, published: Published, count: int) -> list[Record]:
    publisher, person = Publisher(), somebody()
    records = [publisher.record(corrected(person)) for _ in range(count)]
    for start in range(0, count, 250):
        await take_in(service, records[start : start + 250])
    await published.sequencer(service).take_turn()
    assert published.checkpoint().size == count
    return records


async def recover(service: Service, published: Published) -> None:
    await recover_leaves(service.database, published.folder, published.key)


async def orphans(service: Service) -> int:
    async with borrow(service.database.pool) as connection:
        return await leaves.without_entry(connection)


@pytest.mark.parametrize("kept", [0, 1, 255, 256, 300, 610])
async def test_replayed_events_find_their_old_leaves_again(service: Service, published: Published, kept: int) -> None:
    records = await a_log(service, published, 610)
    before = published.leaves()
    await restore(service, kept)
    await recover(service, published)
    assert await orphans(service) == 610 - kept
    publisher = Publisher()
    new = [publisher.record(corrected(somebody()))._replace(offset=10_000 + n) for n in range(3)]
    await take_in(service, new)
    await published.sequencer(service).take_turn()
    again = records[kept:][::-1]  # late, in another order, and twice
    for start in range(0, len(again), 200):
        await take_in(service, again[start : start + 200])
        await take_in(service, again[start : start + 200])
    await published.sequencer(service).take_turn()
    assert published.audit().checkpoint.size == 613
    assert published.leaves()[:610] == before
    assert await orphans(service) == 0
    assert {leaf.commitment for leaf in published.leaves()} == await commitments(service)
    await recover(service, published)


async def test_what_is_taken_back_is_what_was_published_to_the_byte(service: Service, published: Published) -> None:
    await a_log(service, published, 300)
    files = {path: published.folder.read(path) for path in published.paths()}
    await restore(service, 100)
    await recover(service, published)
    await published.sequencer(service).take_turn()
    assert {path: published.folder.read(path) for path in published.paths()} == files


async def test_a_published_entry_that_was_changed_is_not_taken_back(service: Service, published: Published) -> None:
    await a_log(service, published, 20)
    place = published.root / Tile(None, 0, 20).path
    place.write_bytes(place.read_bytes().replace(b"source profile", b"source profilf"))
    await restore(service, 10)
    with pytest.raises(SafeError, match="take the folder back from its copy"):
        await recover(service, published)


async def test_a_database_of_another_log_is_not_filled_up(service: Service, published: Published) -> None:
    await a_log(service, published, 20)
    await restore(service, 10)
    async with borrow(service.database.pool) as connection:
        await connection.execute("UPDATE leaves SET leaf = leaf || 'x' WHERE leaf_index = 4")
    with pytest.raises(SafeError, match="leaf 4 of the database"):
        await recover(service, published)
    assert await orphans(service) == 0
