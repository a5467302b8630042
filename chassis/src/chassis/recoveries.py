"""The table `recoveries`: each time this database was found to be from the past, and how far it has caught up."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from chassis.sql import Connection


class Sign(StrEnum):
    """How it was noticed."""

    TOLD = "told"
    """Whoever restored it wrote it down here."""
    OFFSETS = "offsets"
    """Kafka was told that more was taken in than this database knows of."""
    RECORDS_GONE = "records gone"
    """The service was away for longer than a topic keeps records."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """One that is under way. Times are null until reached."""

    sign: Sign
    missing_since: datetime
    noticed_at: datetime
    sought_at: datetime | None
    reapplied_at: datetime | None
    refused: str | None

    @property
    def stage(self) -> str:
        """What it is at, in words."""
        if self.refused is not None:
            return self.refused
        if self.sought_at is None:
            return "setting Kafka's committed offsets back"
        if self.reapplied_at is None:
            return "applying the erasures since again"
        return "reading the topics again"


_COLUMNS: Final = "sign, missing_since, noticed_at, sought_at, reapplied_at, refused"


async def open_one(connection: Connection) -> Recovery | None:
    """The one under way; None: this database is of today."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM recoveries WHERE done_at IS NULL")  # noqa: S608
    if row is None:
        return None
    return Recovery(
        Sign(row["sign"]),
        row["missing_since"],
        row["noticed_at"],
        row["sought_at"],
        row["reapplied_at"],
        row["refused"],
    )


async def begin(connection: Connection, sign: Sign, missing_since: datetime, at: datetime) -> None:
    """Write down that this database is from the past; one that is under way goes on, with the earlier of both times."""
    await connection.execute(
        "INSERT INTO recoveries (sign, missing_since, noticed_at) VALUES ($1, $2, $3)"
        " ON CONFLICT ((done_at IS NULL)) WHERE done_at IS NULL DO UPDATE SET"
        " missing_since = least(recoveries.missing_since, excluded.missing_since),"
        " noticed_at = excluded.noticed_at, sought_at = NULL, reapplied_at = NULL",
        sign,
        missing_since,
        at,
    )


async def sought(connection: Connection, at: datetime) -> None:
    await connection.execute("UPDATE recoveries SET sought_at = $1 WHERE done_at IS NULL AND sought_at IS NULL", at)


async def reapplied(connection: Connection, at: datetime) -> None:
    await connection.execute(
        "UPDATE recoveries SET reapplied_at = $1, refused = NULL WHERE done_at IS NULL AND reapplied_at IS NULL", at
    )


async def done(connection: Connection, at: datetime) -> None:
    await connection.execute(
        "UPDATE recoveries SET done_at = $1, refused = NULL WHERE done_at IS NULL AND reapplied_at IS NOT NULL", at
    )


async def refuse(connection: Connection, why: str) -> None:
    """Write down why this can't be caught up with."""
    await connection.execute("UPDATE recoveries SET refused = $1 WHERE done_at IS NULL", why)
