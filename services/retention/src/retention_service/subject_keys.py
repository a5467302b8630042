"""The table `subject_keys`: every person's data keys, wrapped. A destroyed key is never made again: its row stays."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.keys import LOG_KEY, KeyName
from chassis.sql import Connection
from contracts.personal import SubjectId

from retention_service.destroyed_ledger import Destroyed
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
    """How many keys of one scope live and were destroyed."""

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


async def insert_new(connection: Connection, keys: Sequence[NewKey], at: datetime, *, confirmed: bool) -> int:
    """Make those that never existed; the answer is how many. Two callers at once make one and the same key.

    What is not confirmed waits to be told that it is used.
    """
    ordered = sorted(keys, key=lambda key: key.name)
    made = await connection.fetch(
        "INSERT INTO subject_keys (subject_id, category, wrapped, kek_epoch, made_at, unconfirmed_since)"
        " SELECT subject_id, category, wrapped, kek_epoch, $5, $6 FROM unnest($1::uuid[], $2::text[], $3::bytea[],"
        " $4::int[]) AS k(subject_id, category, wrapped, kek_epoch)"
        " WHERE NOT EXISTS (SELECT FROM subject_keys AS whole WHERE whole.subject_id = k.subject_id"
        " AND whole.category = split_part(k.category, ':', 1) AND whole.destroyed_at IS NOT NULL)"
        " ON CONFLICT (subject_id, category) DO NOTHING RETURNING category",
        [key.name.subject_id for key in ordered],
        [key.name.category for key in ordered],
        [key.wrapped.ciphertext for key in ordered],
        [key.wrapped.epoch for key in ordered],
        at,
        None if confirmed else at,
    )
    return len(made)


async def confirm(connection: Connection, subject: SubjectId, names: Sequence[str]) -> None:
    """These are used. What is destroyed stays so."""
    await connection.execute(
        "UPDATE subject_keys SET unconfirmed_since = NULL"
        " WHERE subject_id = $1 AND category = ANY($2::text[]) AND unconfirmed_since IS NOT NULL",
        subject,
        list(names),
    )


async def people_unconfirmed(connection: Connection, before: datetime, limit: int) -> list[SubjectId]:
    """Whose keys have waited since before this moment, those that wait longest first."""
    rows = await connection.fetch(
        "SELECT subject_id, min(unconfirmed_since) AS since FROM subject_keys WHERE unconfirmed_since < $1"
        " GROUP BY subject_id ORDER BY since, subject_id LIMIT $2",
        before,
        limit,
    )
    return [SubjectId(row["subject_id"]) for row in rows]


async def unconfirmed(
    connection: Connection, subjects: Sequence[SubjectId], before: datetime
) -> dict[SubjectId, list[str]]:
    """Which keys of these people have waited since before this moment."""
    rows = await connection.fetch(
        "SELECT subject_id, category FROM subject_keys"
        " WHERE subject_id = ANY($1::uuid[]) AND unconfirmed_since < $2 ORDER BY subject_id, category",
        list(subjects),
        before,
    )
    found: dict[SubjectId, list[str]] = {}
    for row in rows:
        found.setdefault(SubjectId(row["subject_id"]), []).append(row["category"])
    return found


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


async def destroy(connection: Connection, destroyed: Sequence[Destroyed]) -> None:
    """Destroy these keys, and forbid those that were never made: neither can exist from now on. Safe to repeat.

    What is destroyed was written down in the ledger before: `retention_service.destruction` is the only caller.
    """
    first = {one.name: one.at for one in reversed(destroyed)}
    names = sorted(first)
    await connection.execute(
        "INSERT INTO subject_keys (subject_id, category, destroyed_at)"
        " SELECT subject_id, category, destroyed_at FROM unnest($1::uuid[], $2::text[], $3::timestamptz[])"
        " AS d(subject_id, category, destroyed_at)"
        " ON CONFLICT (subject_id, category) DO UPDATE SET wrapped = NULL, kek_epoch = NULL, unconfirmed_since = NULL,"
        " destroyed_at = coalesce(subject_keys.destroyed_at, excluded.destroyed_at)",
        [name.subject_id for name in names],
        [name.category for name in names],
        [first[name] for name in names],
    )


async def destroyed_after(connection: Connection, after: KeyName | None, limit: int) -> list[Destroyed]:
    """Destroyed keys in the order of their names."""
    subject, category = after or KeyName(SubjectId(UUID(int=0)), "")
    rows = await connection.fetch(
        "SELECT subject_id, category, destroyed_at FROM subject_keys"
        " WHERE (subject_id, category) > ($1, $2) AND destroyed_at IS NOT NULL ORDER BY subject_id, category LIMIT $3",
        subject,
        category,
        limit,
    )
    return [Destroyed(KeyName(row["subject_id"], row["category"]), row["destroyed_at"]) for row in rows]


async def hold_older(connection: Connection, epoch: int, after: KeyName | None, limit: int) -> list[SubjectKey]:
    """Living keys under older epochs, in the order of their names, held until the transaction ends.

    Whoever changes one at this moment is not waited for: it is found by the next pass, or destroyed.
    """
    subject, category = after or KeyName(SubjectId(UUID(int=0)), "")
    rows = await connection.fetch(
        "SELECT subject_id, category, wrapped, kek_epoch FROM subject_keys"
        " WHERE (subject_id, category) > ($1, $2) AND wrapped IS NOT NULL AND kek_epoch < $3"
        " ORDER BY subject_id, category LIMIT $4 FOR UPDATE SKIP LOCKED",
        subject,
        category,
        epoch,
        limit,
    )
    return [_row(*row.values()) for row in rows]


async def rewrap(connection: Connection, rows: Sequence[SubjectKey], wrapped: Sequence[Wrapped]) -> int:
    """Put each key under its new epoch, where it is still what was read: a destroyed one stays destroyed."""
    before = [row.wrapped.ciphertext if row.wrapped is not None else None for row in rows]
    changed = await connection.fetch(
        "UPDATE subject_keys AS k SET wrapped = n.wrapped, kek_epoch = n.epoch"
        " FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[], $5::int[])"
        " AS n(subject_id, category, before, wrapped, epoch)"
        " WHERE k.subject_id = n.subject_id AND k.category = n.category AND k.wrapped = n.before"
        " RETURNING k.category",
        [row.name.subject_id for row in rows],
        [row.name.category for row in rows],
        before,
        [new.ciphertext for new in wrapped],
        [new.epoch for new in wrapped],
    )
    return len(changed)


async def page(connection: Connection, after: KeyName | None, limit: int) -> list[tuple[SubjectKey, datetime]]:
    """Every row, living or destroyed, in the order of their names, with the time it was made or destroyed."""
    subject, category = after or KeyName(SubjectId(UUID(int=0)), "")
    rows = await connection.fetch(
        "SELECT subject_id, category, wrapped, kek_epoch, coalesce(destroyed_at, made_at) AS at FROM subject_keys"
        " WHERE (subject_id, category) > ($1, $2) ORDER BY subject_id, category LIMIT $3",
        subject,
        category,
        limit,
    )
    return [(_row(row["subject_id"], row["category"], row["wrapped"], row["kek_epoch"]), row["at"]) for row in rows]


async def forget_log_key(connection: Connection) -> bool:
    """Take away the log's key that `migrate` made in an empty database; False when other keys live here."""
    await connection.execute("LOCK TABLE subject_keys IN SHARE ROW EXCLUSIVE MODE")
    others = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM subject_keys WHERE wrapped IS NOT NULL AND category <> $1)", LOG_KEY.category
    )
    if others:
        return False
    await connection.execute("DELETE FROM subject_keys WHERE category = $1", LOG_KEY.category)
    return True


async def forget_others_than(connection: Connection, epochs: Collection[int]) -> None:
    """Take away keys that no key-encryption key opens any more: a database from before a rotation has nothing else."""
    await connection.execute("LOCK TABLE subject_keys IN SHARE ROW EXCLUSIVE MODE")
    await connection.execute(
        "DELETE FROM subject_keys WHERE wrapped IS NOT NULL AND kek_epoch <> ALL($1::int[])", sorted(epochs)
    )


async def restore(connection: Connection, keys: Sequence[tuple[NewKey, datetime]]) -> None:
    """Put back living keys of a backup; one that has its row already is left as it is."""
    await connection.executemany(
        "INSERT INTO subject_keys (subject_id, category, wrapped, kek_epoch, made_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (subject_id, category) DO NOTHING",
        [(*key.name, key.wrapped.ciphertext, key.wrapped.epoch, made_at) for key, made_at in keys],
    )


async def log_key_made_at(connection: Connection) -> datetime | None:
    """When this keyring began: its log's key was made first."""
    return await connection.fetchval(
        "SELECT made_at FROM subject_keys WHERE subject_id = $1 AND category = $2", *LOG_KEY
    )


async def epochs_in_use(connection: Connection) -> set[int]:
    """The oldest and the newest epoch that a living key is wrapped under; read from the ends of an index."""
    row = await connection.fetchrow(
        "SELECT min(kek_epoch) AS oldest, max(kek_epoch) AS newest FROM subject_keys WHERE wrapped IS NOT NULL"
    )
    return set() if row is None or row["oldest"] is None else {row["oldest"], row["newest"]}


async def count_older(connection: Connection, epoch: int) -> int:
    """How many living keys are wrapped under epochs before this one."""
    return await connection.fetchval(
        "SELECT count(*) FROM subject_keys WHERE wrapped IS NOT NULL AND kek_epoch < $1", epoch
    )


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
        "SELECT split_part(category, ':', 1) AS scope, count(wrapped) AS living, count(destroyed_at) AS destroyed"
        " FROM subject_keys GROUP BY 1 ORDER BY 1"
    )
    return [KeyCounts(*row.values()) for row in rows]


def _row(subject_id: UUID, category: str, wrapped: bytes | None, epoch: int | None) -> SubjectKey:
    held = None if wrapped is None or epoch is None else Wrapped(epoch, wrapped)
    return SubjectKey(KeyName(SubjectId(subject_id), category), held)
