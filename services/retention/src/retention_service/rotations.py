"""The table `rotations`: each step of putting every key under a new key-encryption key, one rotation at a time.

Who wraps keys holds a shared lock until its commit, and reads here which epoch it may not fall below; a rotation begins,
and destroys, under the same lock alone. So no key is wrapped under an epoch that is about to go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from chassis.sql import Connection

_WRITERS: Final = 0x7411_0017


class RotationStage(StrEnum):
    """In this order; the next begins when the last is committed."""

    BEGINNING = "beginning"
    REWRAPPING = "rewrapping"
    BACKING_UP = "backing_up"
    PROVING = "proving"
    DESTROYING = "destroying"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Rotation:
    """One rotation. `stopped_by` is why its last try ended before it was done; `epoch` is 0 until there is one."""

    number: int
    epoch: int
    stage: RotationStage
    asked_at: datetime
    keys: int
    rewrapped: int
    rewrapped_at: datetime | None
    backup: str | None
    backup_keys: int | None
    proved_keys: int | None
    proved_at: datetime | None
    destroyed: Sequence[int]
    done_at: datetime | None
    stopped_by: str | None
    stopped_at: datetime | None


async def newest_for_writing(connection: Connection) -> int:
    """The epoch that nothing new may be wrapped below, while this transaction lasts; 0 when none was ever begun."""
    await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", _WRITERS)
    return await connection.fetchval("SELECT coalesce(max(epoch), 0) FROM rotations")


async def without_writers(connection: Connection) -> None:
    """Nobody wraps a key from now until the transaction ends; who does it now is waited for."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _WRITERS)


async def ask(connection: Connection, at: datetime) -> None:
    """Have a rotation made; the open one, if there is one, is tried again instead."""
    await connection.execute(
        "INSERT INTO rotations (stage, asked_at) VALUES ('beginning', $1) ON CONFLICT DO NOTHING", at
    )
    await connection.execute("UPDATE rotations SET stopped_by = NULL, stopped_at = NULL WHERE done_at IS NULL")


async def begin(connection: Connection, number: int, epoch: int, keys: int) -> None:
    """From its commit on nothing new is wrapped under older epochs. The caller keeps writers out."""
    await connection.execute(
        "UPDATE rotations SET stage = 'rewrapping', epoch = $2, keys = $3 WHERE number = $1 AND stage = 'beginning'",
        number,
        epoch,
        keys,
    )


async def latest(connection: Connection) -> Rotation | None:
    """The open rotation, or the last one."""
    row = await connection.fetchrow(
        "SELECT number, coalesce(epoch, 0) AS epoch, stage, asked_at, keys, rewrapped, rewrapped_at, backup,"
        " backup_keys, proved_keys, proved_at, destroyed, done_at, stopped_by, stopped_at FROM rotations"
        " ORDER BY number DESC LIMIT 1"
    )
    if row is None:
        return None
    number, epoch, stage, *rest = row.values()
    return Rotation(number, epoch, RotationStage(stage), *rest)


async def last_done(connection: Connection) -> datetime | None:
    return await connection.fetchval("SELECT max(done_at) FROM rotations")


async def rewrapped(connection: Connection, number: int, more: int) -> None:
    """So many more keys are under this epoch; whatever stopped it before, it goes on."""
    await connection.execute(
        "UPDATE rotations SET rewrapped = rewrapped + $2, stopped_by = NULL, stopped_at = NULL WHERE number = $1",
        number,
        more,
    )


async def all_rewrapped(connection: Connection, number: int, at: datetime) -> None:
    await connection.execute(
        "UPDATE rotations SET stage = 'backing_up', rewrapped_at = $2 WHERE number = $1 AND stage = 'rewrapping'",
        number,
        at,
    )


async def backed_up(connection: Connection, number: int, backup: str, keys: int) -> None:
    await connection.execute(
        "UPDATE rotations SET stage = 'proving', backup = $2, backup_keys = $3, proved_keys = NULL, proved_at = NULL"
        " WHERE number = $1 AND stage = 'backing_up'",
        number,
        backup,
        keys,
    )


async def proved(connection: Connection, number: int, keys: int, at: datetime) -> None:
    """The backup opens without any older epoch: from now on the older ones may go, and will.

    Raises:
        CheckViolationError: another number of keys was opened than the backup has.
    """
    await connection.execute(
        "UPDATE rotations SET stage = 'destroying', proved_keys = $2, proved_at = $3 WHERE number = $1"
        " AND stage = 'proving'",
        number,
        keys,
        at,
    )


async def back_to_rewrapping(connection: Connection, number: int) -> None:
    """Keys under older epochs were found: nothing is destroyed until they are re-wrapped and backed up."""
    await connection.execute(
        "UPDATE rotations SET stage = 'rewrapping', rewrapped_at = NULL, backup = NULL, backup_keys = NULL,"
        " proved_keys = NULL, proved_at = NULL WHERE number = $1 AND stage <> 'done'",
        number,
    )


async def back_to_backing_up(connection: Connection, number: int) -> None:
    """The backup could not be proved: a new one is made."""
    await connection.execute(
        "UPDATE rotations SET stage = 'backing_up', backup = NULL, backup_keys = NULL WHERE number = $1"
        " AND stage = 'proving'",
        number,
    )


async def done(connection: Connection, number: int, destroyed: Sequence[int], at: datetime) -> None:
    await connection.execute(
        "UPDATE rotations SET stage = 'done', destroyed = $2, done_at = $3, stopped_by = NULL, stopped_at = NULL"
        " WHERE number = $1 AND stage = 'destroying'",
        number,
        list(destroyed),
        at,
    )


async def stopped(connection: Connection, by: str, at: datetime) -> None:
    """The open rotation's last try ended before it was done; `by` is a text of ours."""
    await connection.execute("UPDATE rotations SET stopped_by = $1, stopped_at = $2 WHERE done_at IS NULL", by, at)
