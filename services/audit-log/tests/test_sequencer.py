"""Exactly one leaf for every entry, whatever stops, races or restarts; and nothing published is ever taken back."""

import asyncio
import resource
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
from audit_log_service import leaves, unsequenced_batches
from audit_log_service.log_folder import LogFolder
from audit_log_service.sequencer import Sequencer
from chassis.logs import SafeError
from chassis.service import Service
from chassis.sql import borrow
from contracts.log_leaf import commitment_bytes
from contracts.log_tiles import Tile, TiledTree
from contracts.merkle import check_consistency, consistency_proof
from contracts.notes import Checkpoint, Note

from .published import Published, commitments
from .rig import AT, Publisher, corrected, position, rows_of, somebody, take_in, to_be_erased, with_header


async def take_in_many(service: Service, publisher: Publisher, count: int) -> None:
    person = somebody()
    records = [publisher.record(corrected(person)) for _ in range(count)]
    for start in range(0, count, 250):
        await take_in(service, records[start : start + 250])


async def test_every_entry_has_one_leaf_that_says_what_it_says(service: Service, published: Published) -> None:
    publisher, person = Publisher(), somebody()
    await take_in(service, [publisher.record(corrected(person))])
    await take_in(service, [publisher.record(position())])
    unknown = with_header(publisher.record(corrected(person)), "ce_type", b"profile.praised.v9")
    await take_in(service, [unknown])
    await published.sequencer(service).take_turn()
    audited = published.audit()
    assert audited.checkpoint.size == 3
    found = published.leaves()
    assert [leaf.type for leaf in found] == ["profile.corrected.v1", "position.published.v1", "profile.praised.v9"]
    assert {leaf.commitment for leaf in found} == {commitment_bytes(one) for one in await commitments(service)}
    assert {leaf.hour for leaf in found} == {AT.replace(minute=0, second=0, microsecond=0)}
    assert str(person) not in "".join(str(leaf) for leaf in found)


async def test_an_erased_persons_events_keep_their_leaves(service: Service, published: Published) -> None:
    publisher, person = Publisher(), somebody()
    await take_in(service, [publisher.record(corrected(person))])
    await published.sequencer(service).take_turn()
    before = published.leaves()
    await take_in(service, [publisher.record(to_be_erased(person))])
    await take_in(service, [publisher.record(corrected(person))])
    await published.sequencer(service).take_turn()
    published.audit()
    assert published.leaves()[:1] == before
    assert len(published.leaves()) == 3


async def test_an_empty_log_is_published_and_grows_from_there(service: Service, published: Published) -> None:
    sequencer = published.sequencer(service)
    await sequencer.take_turn()
    assert published.audit().checkpoint.size == 0
    await take_in_many(service, Publisher(), 1)
    await sequencer.take_turn()
    assert published.audit().checkpoint.size == 1


async def test_every_published_tree_is_the_beginning_of_the_next(service: Service, published: Published) -> None:
    publisher, sequencer, seen = Publisher(), published.sequencer(service), list[Checkpoint]()
    for count in (1, 3, 251, 1, 0, 260, 2):
        await take_in_many(service, publisher, count)
        await sequencer.take_turn()
        seen.append(published.audit().checkpoint)
    assert [checkpoint.size for checkpoint in seen] == [1, 4, 255, 256, 256, 516, 518]
    tree = TiledTree(518, published.folder.tile)
    for old in seen:
        check_consistency(old.size, 518, consistency_proof(old.size, 518, tree.part), old.root, seen[-1].root)


async def test_a_full_tile_ends_the_partial_ones_before_it(service: Service, published: Published) -> None:
    publisher, sequencer = Publisher(), published.sequencer(service)
    for count in (10, 10, 250):
        await take_in_many(service, publisher, count)
        await sequencer.take_turn()
    assert [path for path in published.paths() if ".p/" in path] == [
        "tile/0/001.p/14",
        "tile/1/000.p/1",
        "tile/entries/001.p/14",
    ]


async def test_a_backlog_of_many_rounds_is_published_whole(
    service: Service, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit_log_service.sequencer.ROUND", 100)
    await take_in_many(service, Publisher(), 730)
    await published.sequencer(service).take_turn()
    assert published.audit().checkpoint.size == 730
    assert await waiting(service) == 0


async def test_what_another_transaction_numbered_first_and_committed_last_has_its_leaf(
    service: Service, published: Published
) -> None:
    publisher, sequencer = Publisher(), published.sequencer(service)
    insert = (
        "INSERT INTO entries (topic, partition, record_offset, type, source, schema, hour, commitment)"
        " VALUES ('t', 0, $1, 'a.v1', 'b', 'c', '2026-01-01T00:00:00Z', $2)"
    )
    async with borrow(service.database.pool) as slow, slow.transaction():
        await slow.execute(insert, 1, b"\x01" * 32)
        await take_in_many(service, publisher, 3)
        await sequencer.take_turn()
        assert published.audit().checkpoint.size == 3
    async with borrow(service.database.pool) as undone:
        transaction = undone.transaction()
        await transaction.start()
        await undone.execute(insert, 2, b"\x02" * 32)
        await transaction.rollback()
    await sequencer.take_turn()
    assert published.audit().checkpoint.size == 4
    assert published.leaves()[3].commitment == b"\x01" * 32


async def test_entries_numbered_in_between_each_other_have_one_leaf_each(
    service: Service, published: Published
) -> None:
    insert = (
        "INSERT INTO entries (position, topic, partition, record_offset, type, source, schema, hour, commitment)"
        " OVERRIDING SYSTEM VALUE SELECT n, 't', 0, n, 'a.v1', 'b', 'c', '2026-01-01T00:00:00Z', sha256(n::text::bytea)"
        " FROM generate_series($1::int, $2::int, $3::int) AS n"
    )
    for first, last, step in ((1, 99, 2), (101, 200, 1), (2, 60, 2), (62, 100, 2), (300, 300, 1)):
        await changed(service, insert, first, last, step)
    await published.sequencer(service).take_turn()
    assert published.audit().checkpoint.size == 201
    expected = [sha256(str(n).encode()).digest() for n in (*range(1, 201), 300)]
    assert [leaf.commitment for leaf in published.leaves()] == expected
    assert await waiting(service) == 0


async def test_a_turn_ends_although_entries_keep_coming(
    service: Service, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher, sequencer, write = Publisher(), published.sequencer(service), LogFolder.write
    loop = asyncio.get_running_loop()

    def write_while_one_comes(folder: LogFolder, tiles: Mapping[Tile, bytes]) -> None:
        asyncio.run_coroutine_threadsafe(take_in_many(service, publisher, 1), loop).result()
        write(folder, tiles)

    await take_in_many(service, publisher, 5)
    with monkeypatch.context() as patch:
        patch.setattr(LogFolder, "write", write_while_one_comes)
        await sequencer.take_turn()
    assert published.audit().checkpoint.size == 5
    assert await waiting(service) == 1
    await sequencer.take_turn()
    assert published.audit().checkpoint.size == 6


class Killed(BaseException):
    """The process ended here."""


async def crash(service: Service, published: Published, monkeypatch: pytest.MonkeyPatch, name: str, after: int) -> None:
    """A turn whose process is killed at the nth call of this step."""
    calls = 0
    whole = getattr(LogFolder, name)

    def dying(*args: object) -> object:
        nonlocal calls
        calls += 1
        if calls > after:
            raise Killed
        return whole(*args)

    with monkeypatch.context() as patch:
        patch.setattr(LogFolder, name, dying)
        with pytest.raises(Killed):
            await published.sequencer(service).take_turn()


@pytest.mark.parametrize(("step", "after"), [("write", 0), ("write", 1), ("publish", 0), ("publish", 1)])
async def test_a_crash_at_any_step_leaves_tree_and_rows_agreeing(
    service: Service, published: Published, monkeypatch: pytest.MonkeyPatch, step: str, after: int
) -> None:
    monkeypatch.setattr("audit_log_service.sequencer.ROUND", 200)
    publisher = Publisher()
    await take_in_many(service, publisher, 50)
    await published.sequencer(service).take_turn()
    await take_in_many(service, publisher, 500)
    await crash(service, published, monkeypatch, step, after)
    published.audit()
    await take_in_many(service, publisher, 10)
    await published.sequencer(service).take_turn()
    audited = published.audit()
    assert audited.checkpoint.size == 560
    assert {leaf.commitment for leaf in published.leaves()} == await commitments(service)
    assert await waiting(service) == 0


async def test_a_crash_between_two_files_leaves_a_whole_log(
    service: Service, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = Publisher()
    await take_in_many(service, publisher, 300)
    left = 0
    whole = Path.replace

    def replace(draft: Path, place: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        return whole(draft, place)

    for files in range(8):
        left = files
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", replace)
            with suppress(Killed):
                await published.sequencer(service).take_turn()
    await published.sequencer(service).take_turn()
    assert published.audit().checkpoint.size == 300


async def test_a_disk_that_takes_only_the_beginning_of_a_tile_publishes_nothing(
    service: Service, published: Published
) -> None:
    sequencer = published.sequencer(service)
    await take_in_many(service, Publisher(), 300)
    whole = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, whole[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            await sequencer.take_turn()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, whole)
    assert published.audit().checkpoint.size == 0
    await sequencer.take_turn()
    assert published.audit().checkpoint.size == 300


async def test_several_workers_at_once_never_fork_the_tree(service: Service, published: Published) -> None:
    publisher = Publisher()
    workers = [published.sequencer(service) for _ in range(4)]
    for _ in range(6):
        await take_in_many(service, publisher, 70)
        await asyncio.gather(*(worker.take_turn() for worker in workers))
        published.audit()
    await workers[0].take_turn()
    assert published.audit().checkpoint.size == 420
    assert len({leaf.commitment for leaf in published.leaves()}) == 420


async def test_a_worker_that_was_frozen_before_publishing_takes_nothing_back(
    service: Service, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher, publish = Publisher(), LogFolder.publish
    held: list[Note] = []

    def frozen(folder: LogFolder, note: Note) -> bool:
        held.append(note)
        return True

    await take_in_many(service, publisher, 5)
    with monkeypatch.context() as patch:
        patch.setattr(LogFolder, "publish", frozen)
        await published.sequencer(service).take_turn()
    await take_in_many(service, publisher, 5)
    await published.sequencer(service).take_turn()
    assert not publish(published.folder, held[0])
    assert published.audit().checkpoint.size == 10


async def test_a_folder_that_is_lost_is_written_anew_to_the_last_byte(service: Service, published: Published) -> None:
    publisher = Publisher()
    await take_in_many(service, publisher, 300)
    await published.sequencer(service).take_turn()
    before = {path: published.folder.read(path) for path in published.paths()}
    shutil.rmtree(published.root)
    published.root.mkdir()
    await published.sequencer(service).take_turn()
    assert {path: published.folder.read(path) for path in published.paths()} == before


async def changed(service: Service, statement: str, *values: object) -> None:
    async with borrow(service.database.pool) as connection:
        await connection.execute(statement, *values)


async def refused(sequencer: Sequencer, words: Sequence[str]) -> None:
    with pytest.raises(SafeError) as found:
        await sequencer.take_turn()
    for word in words:
        assert word in str(found.value)


async def test_a_database_that_is_older_than_the_log_is_refused_with_the_cure(
    service: Service, published: Published
) -> None:
    await take_in_many(service, Publisher(), 9)
    sequencer = published.sequencer(service)
    await sequencer.take_turn()
    await changed(service, "DELETE FROM leaves WHERE leaf_index >= 7")
    await refused(sequencer, ["9 leaves are published", "has 7", "Run the role migrate"])
    with pytest.raises(SafeError, match="Run the role migrate"):
        await sequencer.check()
    assert published.checkpoint().size == 9


async def test_a_database_of_another_log_is_refused(service: Service, published: Published) -> None:
    publisher, sequencer = Publisher(), published.sequencer(service)
    await take_in_many(service, publisher, 9)
    await sequencer.take_turn()
    await changed(service, "UPDATE leaves SET leaf = leaf || 'x' WHERE leaf_index = 4")
    await take_in_many(service, publisher, 1)
    await refused(sequencer, ["leaf 4 of the database", "restore it from a backup of this log"])
    assert published.checkpoint().size == 9


@pytest.mark.parametrize("damage", ["changed", "missing"])
async def test_tiles_that_are_not_those_of_the_checkpoint_are_refused(
    service: Service, published: Published, damage: str
) -> None:
    publisher, sequencer = Publisher(), published.sequencer(service)
    await take_in_many(service, publisher, 9)
    await sequencer.take_turn()
    place = published.root / Tile(0, 0, 9).path
    if damage == "missing":
        place.unlink()
    else:
        place.write_bytes(bytes(9 * 32))
    await take_in_many(service, publisher, 1)
    await refused(sequencer, ["tillit log verify", "take the folder back"])


async def test_a_checkpoint_of_another_key_or_name_is_refused(
    service: Service, published: Published, tmp_path: Path
) -> None:
    await published.sequencer(service).take_turn()
    (tmp_path / "other").mkdir()
    other = Published.new(tmp_path / "other")
    stranger = Published(published.root, other.key_file, other.key)
    await refused(stranger.sequencer(service), ["TILLIT_LOG_KEY_FILE", "TILLIT_LOG_ORIGIN"])


async def test_a_folder_that_is_not_there_is_refused(service: Service, published: Published) -> None:
    published.root.rmdir()
    await refused(published.sequencer(service), ["TILLIT_LOG_DIR", "make it"])


async def test_nothing_of_a_person_is_in_the_published_files(service: Service, published: Published) -> None:
    person = somebody()
    record = Publisher().record(corrected(person))
    await take_in(service, [record])
    await published.sequencer(service).take_turn()
    everything = b"".join(published.folder.read(path) for path in published.paths())
    headers = dict(record.headers)
    assert headers["ce_type"] in everything  # the search finds what is there
    for value in (headers["ce_id"], headers["ce_subject"], person.bytes, person.hex.encode(), headers["ce_salt"]):
        assert value not in everything
    [row] = await rows_of(service, "leaves")
    assert person.hex not in row


async def waiting(service: Service) -> int:
    async with borrow(service.database.pool) as connection:
        assert await leaves.without_entry(connection) == 0
        return await unsequenced_batches.count(connection)
