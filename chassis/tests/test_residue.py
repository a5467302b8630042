"""The scan for residue reads every column that the database has, declared or not, for a person in any form."""

import base64
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from chassis.park import park_event
from chassis.records import read
from chassis.residue import NOT_READABLE, Residue, ResidueScan
from chassis.sealing import BlobHeader, seal
from chassis.sql import Connection, borrow, connect
from chassis.testing.services import surroundings
from contracts.personal import Category, SubjectId
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis import parked

from .town import AT, CATEGORIES, HOLDER, PROFILE_ONLY, Town, erasure, message, saved

UNDECLARED = (
    "CREATE TABLE IF NOT EXISTS diaries (day int, words text, page jsonb, scan bytea, who uuid, readers uuid[])"
)
INSERT = "INSERT INTO diaries (day, {0}) VALUES (1, $1::{1})"


async def nothing_between() -> None:
    """Nobody waits for the next part."""


@asynccontextmanager
async def owner_of(town: Town) -> AsyncGenerator[Connection]:
    """A connection that may make tables, with one that no holder declares; it is empty afterwards."""
    connection = await connect(surroundings(town.service).database.migration_dsn)
    try:
        await connection.execute(UNDECLARED)
        await connection.execute(f"GRANT SELECT ON diaries TO {surroundings(town.service).database.app_role}")
        yield connection
    finally:
        await connection.execute("TRUNCATE diaries")
        await connection.close()


async def scanned(
    town: Town, subject: SubjectId, categories: frozenset[Category] = CATEGORIES, part_bytes: int = 8192
) -> Residue:
    async with borrow(town.service.database.pool) as connection:
        return await ResidueScan(HOLDER, subject, categories, part_bytes=part_bytes).run(connection, nothing_between)


async def erased(town: Town, categories: frozenset[Category] = CATEGORIES) -> SubjectId:
    """Somebody with rows in every table, of whom these categories are erased."""
    subject = town.person()
    await town.say(saved(subject, 1), saved(subject, 2))
    async with town.service.database.transaction([subject]) as tx:
        await tx.execute("INSERT INTO letters (letter_id, subject_id) VALUES ($1, $2)", uuid4(), subject)
        tx.enqueue("tell", f"{subject}", subject=subject)
    async with borrow(town.service.database.pool) as connection:
        await connection.execute("DELETE FROM outbox")
    await town.say(erasure(subject, categories))
    return subject


def blob(subject: UUID, category: Category = Category.USER_INFORMATION) -> bytes:
    return seal(AESGCM(b"k" * 32), BlobHeader(subject, category, uuid4(), "diaries"), b"payload")


FORMS: dict[str, tuple[str, str, Callable[[UUID], object]]] = {
    "a uuid": ("who", "uuid", lambda subject: subject),
    "a uuid among others": ("readers", "uuid[]", lambda subject: [uuid4(), subject]),
    "text": ("words", "text", lambda subject: f"/people/{subject}/diary"),
    "text in upper case": ("words", "text", lambda subject: str(subject).upper()),
    "hex": ("words", "text", lambda subject: f"x{subject.hex}x"),
    "JSON": ("page", "jsonb", lambda subject: json.dumps({"a": [{"b": str(subject)}]})),
    "base64 of a blob in JSON": (
        "page",
        "jsonb",
        lambda subject: json.dumps([base64.b64encode(blob(subject)).decode()]),
    ),
    "base64 at the first place": ("words", "text", lambda subject: base64.b64encode(subject.bytes).decode()),
    "base64 at the third place": ("words", "text", lambda subject: base64.b64encode(b"ab" + subject.bytes).decode()),
    "base64 for URLs": ("words", "text", lambda subject: base64.urlsafe_b64encode(b"a" + subject.bytes).decode()),
    "bytes": ("scan", "bytea", lambda subject: b"before" + subject.bytes),
    "text in bytes": ("scan", "bytea", lambda subject: f"ce_subject:{subject}\n".encode()),
    "a blob": ("scan", "bytea", blob),
    "a blob of a category that was not erased": ("scan", "bytea", lambda subject: blob(subject, Category.RIGHTS_CASE)),
}


@pytest.mark.parametrize(("column", "kind", "form"), FORMS.values(), ids=FORMS)
async def test_a_person_is_found_in_an_undeclared_column_in_any_form(
    town: Town, column: str, kind: str, form: Callable[[UUID], object]
) -> None:
    subject, neighbour = await erased(town), town.person()
    async with owner_of(town) as owner:
        await owner.execute(INSERT.format(column, kind), form(neighbour))
        assert (await scanned(town, subject)).found == {}
        await owner.execute(INSERT.format(column, kind), form(subject))
        assert (await scanned(town, subject)).found == {f"diaries.{column}": 1}


async def test_nothing_is_left_after_an_erasure_but_the_tombstone_and_what_was_not_erased(town: Town) -> None:
    subject, profile_only = await erased(town), await erased(town, PROFILE_ONLY)
    assert (await scanned(town, subject)).found == {}
    assert (await scanned(town, profile_only, PROFILE_ONLY)).found == {}
    left = (await scanned(town, profile_only, CATEGORIES)).found
    assert left == {"letters.subject_id": 1}


async def test_what_comes_back_into_a_declared_table_is_found(town: Town) -> None:
    subject = await erased(town)
    async with town.service.database.transaction([subject], keys=()) as tx:
        await tx.execute("INSERT INTO letters (letter_id, subject_id) VALUES ($1, $2)", uuid4(), subject)
        tx.enqueue("tell", f"{subject}", subject=subject)
    assert (await scanned(town, subject)).found == {"letters.subject_id": 1, "work.subject_id": 1, "work.key": 1}


async def test_a_row_that_may_stay_may_not_hold_a_blob_of_what_was_erased(town: Town) -> None:
    subject = await erased(town, PROFILE_ONLY)
    async with owner_of(town) as owner:
        await owner.execute("ALTER TABLE letters ADD COLUMN IF NOT EXISTS enclosed bytea")
        change = "UPDATE letters SET enclosed = $2 WHERE subject_id = $1"
        await owner.execute(change, subject, blob(subject, Category.COMMUNICATION))
        assert (await scanned(town, subject, PROFILE_ONLY)).found == {}
        await owner.execute(change, subject, blob(subject))
        assert (await scanned(town, subject, PROFILE_ONLY)).found == {"letters.enclosed": 1}
        await owner.execute("ALTER TABLE letters DROP COLUMN enclosed")


async def test_a_parked_event_may_stay_as_long_as_its_own_category_is_not_erased(town: Town) -> None:
    subject = await erased(town, PROFILE_ONLY)
    async with town.service.database.transaction(keys=()) as tx:
        await parked.insert(tx.connection, [park_event(read(town.record(message(subject))), "it failed")], AT)
    assert (await scanned(town, subject, PROFILE_ONLY)).found == {}
    assert (await scanned(town, subject, CATEGORIES)).found["parked.subject_ids"] == 1


async def test_what_a_hold_keeps_may_stay_until_it_is_lifted(town: Town) -> None:
    subject, hold = await erased(town), uuid4()
    async with borrow(town.service.database.pool) as connection:
        await connection.execute(
            "INSERT INTO known_holds (hold_id, subject_id, ground, review_on) VALUES ($1, $2, '17(3)(e)', $3)",
            hold,
            subject,
            AT,
        )
        await connection.execute(
            "INSERT INTO held_records (hold_id, subject_id, category, table_name, record_id, content, held_at)"
            " VALUES ($1, $2, 'communication', 'letters', $3, $4, $5)",
            hold,
            subject,
            uuid4(),
            b"sealed",
            AT,
        )
        assert (await scanned(town, subject)).found == {}
        await connection.execute("UPDATE known_holds SET lifted_at = $2 WHERE hold_id = $1", hold, AT)
    assert (await scanned(town, subject)).found == {"held_records.subject_id": 1}


async def test_every_row_of_a_table_of_many_parts_is_read_and_counted(town: Town) -> None:
    subject = await erased(town)
    async with owner_of(town) as owner:
        rows = [(number, str(subject) if number % 100 == 0 else "x" * 400) for number in range(2_000)]
        await owner.executemany("INSERT INTO diaries (day, words) VALUES ($1, $2)", rows)
        parts = 0

        async def count() -> None:
            nonlocal parts
            parts += 1

        async with borrow(town.service.database.pool) as connection:
            residue = await ResidueScan(HOLDER, subject, CATEGORIES, part_bytes=8192).run(connection, count)
        assert residue.found == {"diaries.words": 20}
        assert parts > 50
        assert residue.columns > 50


async def test_a_table_that_the_service_may_not_read_is_no_clean_one(town: Town) -> None:
    subject = await erased(town)
    async with owner_of(town) as owner:
        await owner.execute("CREATE SCHEMA aside; CREATE TABLE aside.diaries (words text)")
        assert (await scanned(town, subject)).found == {f"aside.diaries.{NOT_READABLE}": 1}
        await owner.execute("DROP SCHEMA aside CASCADE")
