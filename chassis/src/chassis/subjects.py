"""The table `subjects`: one row per person, the lock that every transaction about people takes first, and their state."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from contracts.personal import Category, SubjectId

from chassis.sql import Connection

DELETION_PENDING: Final = "deletion_pending"
"""Restricted because a deletion was asked for and its cooling-off runs (A4)."""


@dataclass(frozen=True, slots=True)
class SubjectState:
    """What this service may do with a person's data. Read under the person's lock, true until the transaction ends."""

    restrictions: frozenset[str] = field(default_factory=frozenset[str])
    erased: frozenset[str] = field(default_factory=frozenset[str])

    @property
    def restricted(self) -> bool:
        """Store, do not use. What outlives an erased profile (communication, evidence) is kept, and no longer used."""
        return bool(self.restrictions) or Category.USER_INFORMATION in self.erased

    def is_erased(self, category: Category | None) -> bool:
        """Whether data of this category is gone for this person."""
        return category is not None and category in self.erased


ACTIVE: Final = SubjectState()
"""The state of nearly everybody."""


_LOCK: Final = (
    "SELECT subject_id, nullif(restrictions, '{}'), nullif(erased, '{}') FROM subjects"
    " WHERE subject_id = ANY($1::uuid[])"
    " AND (SELECT count(*) FROM subjects WHERE subject_id = ANY($1::uuid[])) = cardinality($1::uuid[])"
    " ORDER BY subject_id FOR UPDATE"
)
"""Nobody is locked unless everybody is there: who held some while making others would cross with who does the reverse.

Empty arrays as NULL: reading two of them takes the client longer than the rest of the row.
"""


async def lock(connection: Connection, subjects: Iterable[SubjectId]) -> dict[SubjectId, SubjectState]:
    """Lock these people's rows in sorted order, made if absent, and read their states."""
    ids: Sequence[SubjectId] = sorted(set(subjects))
    if not ids:
        return {}
    rows = await connection.fetch(_LOCK, ids)
    while len(rows) < len(ids):  # more than once only when tombstones are swept meanwhile
        await connection.execute(
            "INSERT INTO subjects (subject_id) SELECT id FROM unnest($1::uuid[]) AS id ORDER BY id"
            " ON CONFLICT DO NOTHING",
            ids,
        )
        rows = await connection.fetch(_LOCK, ids)
    return {
        SubjectId(subject): SubjectState(frozenset(restrictions or ()), frozenset(erased or ()))
        if restrictions or erased
        else ACTIVE
        for subject, restrictions, erased in rows
    }


async def restrict(connection: Connection, subject: SubjectId, why: str) -> None:
    """From now on the person's data is stored and not used (A5), until every reason is lifted."""
    await connection.execute(
        "UPDATE subjects SET restrictions = array_append(restrictions, $2)"
        " WHERE subject_id = $1 AND NOT $2 = ANY(restrictions)",
        subject,
        why,
    )


async def lift_restriction(connection: Connection, subject: SubjectId, why: str) -> None:
    await connection.execute(
        "UPDATE subjects SET restrictions = array_remove(restrictions, $2) WHERE subject_id = $1", subject, why
    )


async def mark_erased(connection: Connection, subject: SubjectId, categories: Iterable[str], at: datetime) -> None:
    """Leave the tombstone: no event of these categories changes anything for this person again."""
    await connection.execute(
        "UPDATE subjects SET erased_at = $3, erased ="
        " (SELECT array_agg(DISTINCT category) FROM unnest(erased || $2::text[]) AS category)"
        " WHERE subject_id = $1",
        subject,
        sorted(categories),
        at,
    )


class Tombstone(NamedTuple):
    """When a person was last erased here, and who: in this order tombstones are looked through."""

    erased_at: datetime
    subject_id: SubjectId


async def lock_tombstones(
    connection: Connection, before: datetime, after: Tombstone | None, most: int
) -> list[Tombstone]:
    """Lock up to so many that were left before a moment, oldest first, and after one looked at earlier.

    Not those of people who are restricted for a reason that outlives their profile, nor such as are in use now.
    """
    at, subject = after or (None, None)
    rows = await connection.fetch(
        "SELECT erased_at, subject_id FROM subjects WHERE erased_at < $1 AND restrictions <@ $2::text[]"
        " AND ($3::timestamptz IS NULL OR (erased_at, subject_id) > ($3, $4::uuid))"
        " ORDER BY erased_at, subject_id LIMIT $5 FOR UPDATE SKIP LOCKED",
        before,
        [DELETION_PENDING],
        at,
        subject,
        most,
    )
    return [Tombstone(at, SubjectId(subject)) for at, subject in rows]


async def forget(connection: Connection, subjects: Iterable[SubjectId]) -> None:
    """Forget that these people ever were: nothing of theirs may be here any more."""
    await connection.execute("DELETE FROM subjects WHERE subject_id = ANY($1::uuid[])", list(subjects))


async def erased_at(connection: Connection, subject: SubjectId) -> datetime | None:
    """When data of this person was erased here last; None when none was."""
    return await connection.fetchval("SELECT erased_at FROM subjects WHERE subject_id = $1", subject)


async def read(connection: Connection, subject: SubjectId) -> SubjectState:
    """The person's state at this moment, without the lock: to be shown, never to be acted on."""
    row = await connection.fetchrow("SELECT restrictions, erased FROM subjects WHERE subject_id = $1", subject)
    return ACTIVE if row is None else SubjectState(frozenset(row["restrictions"]), frozenset(row["erased"]))
