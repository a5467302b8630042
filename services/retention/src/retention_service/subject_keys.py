"""The table `subject_keys`: every person's data keys, wrapped. A destroyed key is never made again: its row stays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.keys import KeyName
from chassis.sql import Connection
from contracts.personal import SubjectId

from retention_service.kek import KeyEncryptionKeys, Wrapped


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """One row. `wrapped` is None once the key is destroyed."""

    name: KeyName
    wrapped: Wrapped | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that is made, unless there is one already or was."""

    name: KeyName
    wrapped: Wrapped


@dataclass(frozen=True, slots=True)
class KeyCounts:
    """How many keys of one category live and were destroyed."""

    category: str
    living: int
    destroyed: int


def unwrap(keks: KeyEncryptionKeys, row: SubjectKey) -> bytes | None:
    """The key in the clear; None when it is destroyed.

    Raises:
        BadKeks: the epoch is missing, or the row was moved or damaged.
    """
    if row.wrapped is None:
        return None
    return keks.unwrap(row.name.subject_id, row.name.category, row.wrapped)


async def insert_new(connection: Connection, keys: Sequence[NewKey], at: datetime) -> int:
    """Make those that never existed; the answer is how many. Two callers at once make one and the same key."""
    ordered = sorted(keys, key=lambda key: key.name)
    made = await connection.fetch(
        "INSERT INTO subject_keys (subject_id, category, wrapped, kek_epoch, made_at)"
        " SELECT subject_id, category, wrapped, kek_epoch, $5 FROM unnest($1::uuid[], $2::text[], $3::bytea[],"
        " $4::int[]) AS k(subject_id, category, wrapped, kek_epoch)"
        " ON CONFLICT (subject_id, category) DO NOTHING RETURNING category",
        [key.name.subject_id for key in ordered],
        [key.name.category for key in ordered],
        [key.wrapped.ciphertext for key in ordered],
        [key.wrapped.epoch for key in ordered],
        at,
    )
    return len(made)


async def find(connection: Connection, names: Sequence[KeyName]) -> Mapping[KeyName, SubjectKey]:
    """The rows of these names, in one query; what was never made is absent."""
    rows = await connection.fetch(
        "SELECT k.subject_id, k.category, k.wrapped, k.kek_epoch FROM unnest($1::uuid[], $2::text[])"
        " AS wanted(subject_id, category) JOIN subject_keys k USING (subject_id, category)",
        [name.subject_id for name in names],
        [name.category for name in names],
    )
    found = (_row(*row.values()) for row in rows)
    return {key.name: key for key in found}


async def of_subject(connection: Connection, subject: SubjectId) -> list[SubjectKey]:
    """Every row of one person, living or destroyed."""
    rows = await connection.fetch(
        "SELECT subject_id, category, wrapped, kek_epoch FROM subject_keys WHERE subject_id = $1 ORDER BY category",
        subject,
    )
    return [_row(*row.values()) for row in rows]


async def destroy(connection: Connection, subject: SubjectId, categories: Iterable[str], at: datetime) -> None:
    """Destroy these keys, and forbid those that were never made: neither can exist from now on."""
    await connection.execute(
        "INSERT INTO subject_keys (subject_id, category, destroyed_at)"
        " SELECT $1, category, $3 FROM unnest($2::text[]) AS category"
        " ON CONFLICT (subject_id, category) DO UPDATE SET wrapped = NULL, kek_epoch = NULL,"
        " destroyed_at = coalesce(subject_keys.destroyed_at, excluded.destroyed_at)",
        subject,
        sorted(categories),
        at,
    )


async def epochs_in_use(connection: Connection) -> set[int]:
    """Every epoch that a living key is wrapped under."""
    rows = await connection.fetch("SELECT DISTINCT kek_epoch FROM subject_keys WHERE wrapped IS NOT NULL")
    return {row["kek_epoch"] for row in rows}


async def count_by_epoch(connection: Connection) -> Mapping[int, int]:
    """How many living keys each epoch wraps."""
    rows = await connection.fetch(
        "SELECT kek_epoch, count(*) AS keys FROM subject_keys WHERE wrapped IS NOT NULL"
        " GROUP BY kek_epoch ORDER BY kek_epoch"
    )
    return {row["kek_epoch"]: row["keys"] for row in rows}


async def count_people(connection: Connection) -> int:
    """How many people there are: those whose profile's key lives."""
    return int(
        await connection.fetchval(
            "SELECT count(*) FROM subject_keys WHERE category = 'user_information' AND wrapped IS NOT NULL"
        )
    )


async def count(connection: Connection) -> list[KeyCounts]:
    rows = await connection.fetch(
        "SELECT category, count(wrapped) AS living, count(destroyed_at) AS destroyed FROM subject_keys"
        " GROUP BY category ORDER BY category"
    )
    return [KeyCounts(*row.values()) for row in rows]


def _row(subject_id: UUID, category: str, wrapped: bytes | None, epoch: int | None) -> SubjectKey:
    held = None if wrapped is None or epoch is None else Wrapped(epoch, wrapped)
    return SubjectKey(KeyName(SubjectId(subject_id), category), held)
