"""The table `receipts`: what is attested of erasures, edition by edition, and its proof once the public log has it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg
from chassis.sql import Connection


@dataclass(frozen=True, slots=True)
class Attested:
    """One edition of a receipt. `leaf` is the log's entry of the payload's event; `proof` None until it is known."""

    name: str
    edition: int
    body: str
    payload: bytes
    salt: bytes
    leaf: str
    attested_at: datetime
    proof: str | None


_COLUMNS: Final = "name, edition, body, payload, salt, leaf, attested_at, proof"


async def insert(connection: Connection, attested: Attested) -> None:
    """Keep a new edition, unproven."""
    await connection.execute(
        "INSERT INTO receipts (name, edition, body, payload, salt, leaf, attested_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        attested.name,
        attested.edition,
        attested.body,
        attested.payload,
        attested.salt,
        attested.leaf,
        attested.attested_at,
    )


async def newest(connection: Connection, name: str) -> Attested | None:
    """The last edition, proven or not."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM receipts WHERE name = $1 ORDER BY edition DESC LIMIT 1",  # noqa: S608
        name,
    )
    return None if row is None else _attested(row)


async def newest_proven(connection: Connection, name: str) -> Attested | None:
    """The last edition that the public log proves."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM receipts WHERE name = $1 AND proof IS NOT NULL ORDER BY edition DESC LIMIT 1",  # noqa: S608
        name,
    )
    return None if row is None else _attested(row)


async def find(connection: Connection, name: str, edition: int) -> Attested | None:
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM receipts WHERE name = $1 AND edition = $2",  # noqa: S608
        name,
        edition,
    )
    return None if row is None else _attested(row)


async def prove(connection: Connection, name: str, edition: int, proof: str, at: datetime) -> None:
    """Keep the first proof of an edition."""
    await connection.execute(
        "UPDATE receipts SET proof = $3, proven_at = $4 WHERE name = $1 AND edition = $2 AND proof IS NULL",
        name,
        edition,
        proof,
        at,
    )


async def count_unproven(connection: Connection) -> int:
    """How many editions the log does not prove yet."""
    return int(await connection.fetchval("SELECT count(*) FROM receipts WHERE proof IS NULL"))


def _attested(row: asyncpg.Record) -> Attested:
    return Attested(*row.values())
