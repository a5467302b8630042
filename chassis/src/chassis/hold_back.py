"""Keeps back from an erasure exactly what holds cover: opened, sealed again under each hold's own key, nothing else (R5).

The originals are deleted with the rest and the person's keys die on schedule: what stays is readable with the hold's key
only, and no reaction, search or copy reads it. A service that may not open a table's rows keeps none of them back: what
is held is their owner's copy.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.personal import Category, SubjectId
from contracts.privacy import HeldRecords, Hold
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis import held_records, known_holds
from chassis.errors import KeyringUnavailable
from chassis.held_records import HeldRecord
from chassis.keys import KeyName, KeySet
from chassis.logs import SafeError
from chassis.personal_tables import PersonalTable
from chassis.scoped_keys import Scope, single
from chassis.sealing import BadBlob, BlobHeader, read_header, seal, unseal
from chassis.sql import Connection
from chassis.transaction import Transaction


class NotHeld(SafeError):
    """What is to be held can't be written down: the erasure does not go on without it."""


def key_of(subject: SubjectId, hold_id: UUID) -> KeyName:
    """A hold's own key: it lives until the hold is lifted, whatever becomes of the person's others."""
    return KeyName(subject, single(Scope.HOLD, hold_id))


def covers(hold: Hold, holder: str, table: PersonalTable) -> bool:
    """Whether a hold is about rows of this table of this holder, and they can be kept back here."""
    return (
        table.holdable
        and hold.category in (None, table.category)
        and hold.holder in (None, holder)
        and hold.table in (None, table.table)
    )


async def keys_needed(
    connection: Connection,
    holder: str,
    tables: Sequence[PersonalTable],
    subject: SubjectId,
    categories: Iterable[Category],
    holds: Iterable[Hold],
) -> list[KeyName]:
    """The keys that open what these holds cover of an erasure, and those that seal it again; none when nothing is."""
    names: dict[KeyName, None] = {}
    for hold, table in _covered(holder, tables, categories, holds):
        for row in await _rows(connection, table, subject, hold):
            names[key_of(subject, hold.hold_id)] = None
            for column in table.sealed:
                with suppress(BadBlob):  # met again in the erasure's own transaction, it parks that erasure alone
                    if row[column] is not None:
                        names[_opened_by(row[column])] = None
    return list(names)


async def keep_back(
    tx: Transaction,
    holder: str,
    tables: Sequence[PersonalTable],
    subject: SubjectId,
    categories: Iterable[Category],
    told: Sequence[Hold],
) -> tuple[HeldRecords, ...]:
    """Keep what the holds in force cover, in the erasure's own transaction; the answer is all that is held here.

    Args:
        tx: about the person, with the keys that `keys_needed` named.
        holder: this service.
        tables: all that it holds.
        subject: whose erasure it is.
        categories: what is erased.
        told: the holds that the request names; what was lifted meanwhile holds nothing.

    Raises:
        KeyringUnavailable: a hold or a row came since the keys were fetched; done again, it finds them.
        BadBlob: a row that is to be held is damaged.
    """
    await known_holds.remember(tx.connection, subject, told)
    holds = (await known_holds.in_force(tx.connection, [subject])).get(subject, [])
    if not holds:
        return ()
    kept: list[HeldRecord] = []
    for hold, table in _covered(holder, tables, categories, holds):
        for row in await _rows(tx.connection, table, subject, hold):
            key = _at_hand(tx.keys, key_of(subject, hold.hold_id))
            if key is None:
                continue  # it was lifted, and we are about to be told
            record_id = row[table.record_column]
            header = BlobHeader(subject, single(Scope.HOLD, hold.hold_id), record_id, table.table)
            content = seal(key, header, _content(table, row, tx.keys))
            kept.append(HeldRecord(hold.hold_id, subject, table.category, table.table, record_id, content))
    await held_records.insert(tx.connection, kept, tx.now())
    by_id = {hold.hold_id: hold for hold in holds}
    return tuple(
        HeldRecords(
            hold_id=hold_id,
            category=category,
            ground=by_id[hold_id].ground,
            review_on=by_id[hold_id].review_on,
            records=records,
        )
        for (hold_id, category), records in (await held_records.count(tx.connection, subject)).items()
        if hold_id in by_id
    )


async def held_here(connection: Connection, subject: SubjectId) -> dict[UUID, int]:
    """How many rows of `held_records` may stand here about a person, by the hold in force that keeps them.

    Any other row of theirs in that table is residue.
    """
    holds = (await known_holds.in_force(connection, [subject])).get(subject, [])
    kept: dict[UUID, int] = {hold.hold_id: 0 for hold in holds}
    for (hold_id, _), records in (await held_records.count(connection, subject)).items():
        if hold_id in kept:
            kept[hold_id] += records
    return {hold_id: records for hold_id, records in kept.items() if records}


def _covered(
    holder: str, tables: Sequence[PersonalTable], categories: Iterable[Category], holds: Iterable[Hold]
) -> list[tuple[Hold, PersonalTable]]:
    erased = frozenset(categories)
    return [
        (hold, table) for hold in holds for table in tables if table.category in erased and covers(hold, holder, table)
    ]


async def _rows(
    connection: Connection, table: PersonalTable, subject: SubjectId, hold: Hold
) -> list[Mapping[str, Any]]:
    condition, arguments = table.rows_of(subject)
    if hold.records:
        condition += f" AND {table.record_column} = ANY(${len(arguments) + 1}::uuid[])"
        arguments = (*arguments, list(hold.records))
    columns = ", ".join(sorted(table.columns))
    rows = await connection.fetch(
        f"SELECT {columns} FROM {table.table} WHERE {condition}",  # noqa: S608 - declared names
        *arguments,
    )
    return [dict(row.items()) for row in rows]


def _opened_by(blob: bytes) -> KeyName:
    header = read_header(blob)
    return KeyName(SubjectId(header.subject_id), header.category)


def _at_hand(keys: KeySet, name: KeyName) -> AESGCM | None:
    """The key; None when it is destroyed.

    Raises:
        KeyringUnavailable: it was not asked for.
    """
    if name not in keys.asked:
        raise KeyringUnavailable("a hold came while its data was about to be erased: its keys are fetched now")
    return keys.find(name)


def _content(table: PersonalTable, row: Mapping[str, Any], keys: KeySet) -> bytes:
    """The row as JSON: sealed columns opened, each an object of its fields; null where a key is destroyed."""
    values: dict[str, object] = {}
    for column in sorted(table.columns):
        value = row[column]
        if column in table.sealed and value is not None:
            key = _at_hand(keys, _opened_by(value))
            values[column] = None if key is None else json.loads(unseal(key, value))
        else:
            values[column] = value
    return json.dumps(values, sort_keys=True, separators=(",", ":"), default=_as_json).encode()


def _as_json(value: object) -> object:
    match value:
        case UUID():
            return str(value)
        case datetime():
            return value.isoformat()
        case bytes():
            return value.hex()
        case _:
            raise NotHeld(f"a value of type {type(value).__name__} can't be kept under a hold")
