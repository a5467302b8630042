"""The table `employers`: organisations, each known once by its organisation number."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from chassis.sql import Connection


@dataclass(frozen=True, slots=True)
class Employer:
    """One row."""

    employer_id: UUID
    orgnr: str
    name: str


async def add(connection: Connection, employer: Employer, at: datetime) -> bool:
    """False when the organisation is known already; it then keeps its name."""
    added = await connection.fetchval(
        "INSERT INTO employers (employer_id, orgnr, name, registered_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (orgnr) DO NOTHING RETURNING employer_id",
        employer.employer_id,
        employer.orgnr,
        employer.name,
        at,
    )
    return added is not None


async def find_by_orgnr(connection: Connection, orgnr: str) -> Employer | None:
    return _employer(
        await connection.fetchrow("SELECT employer_id, orgnr, name FROM employers WHERE orgnr = $1", orgnr)
    )


async def find(connection: Connection, employer_id: UUID) -> Employer | None:
    return _employer(
        await connection.fetchrow("SELECT employer_id, orgnr, name FROM employers WHERE employer_id = $1", employer_id)
    )


def _employer(row: asyncpg.Record | None) -> Employer | None:
    return None if row is None else Employer(row["employer_id"], row["orgnr"], row["name"])
