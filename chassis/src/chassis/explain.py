"""Why something of a person is still here, field by field: where, for which purpose, by which rule, and when it goes (L2).

It tells what is stored and never what it says. Events on their way to Kafka are not listed: they are sent within moments.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from contracts.personal import Category, SubjectId
from contracts.privacy import Hold, LegalGround
from contracts.purposes import PURPOSES, LegalBasis, PurposeId
from pydantic import BaseModel

from chassis import known_holds, subjects
from chassis.hold_back import covers
from chassis.holders import Holder
from chassis.personal_tables import Clock, PersonalTable
from chassis.sql import Connection

Form = Literal["sealed", "searched", "id or time"]


class Why(BaseModel):
    """One purpose, with its legal bases (GDPR Art. 6(1))."""

    purpose: PurposeId
    title: str
    bases: list[LegalBasis]


class HeldBy(BaseModel):
    """One hold in force on rows of this table; no records means all of them (R5)."""

    hold_id: UUID
    ground: LegalGround
    review_on: datetime
    records: list[UUID]


class KeptRows(BaseModel):
    """What one table has of the person. The days are those of the first and the last row that a clock ends, else null:
    then the event that `rule` names ends them."""

    table: str
    category: Category | None
    why: list[Why]
    rule: str
    rows: int
    fields: dict[str, Form]
    holds: list[HeldBy]
    first_goes: datetime | None
    last_goes: datetime | None


class Explanation(BaseModel):
    """Everything that one service has of one person."""

    service: str
    restrictions: list[str]
    erased: list[str]
    erased_at: datetime | None
    kept: list[KeptRows]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One table, and how to count the person's rows in it."""

    table: str
    condition: str
    arguments: Sequence[object]
    category: Category | None
    why: Sequence[PurposeId]
    rule: str
    fields: dict[str, Form]
    clock: Clock | None = None
    holds: Sequence[Hold] = ()


def purposes_of(service: str, table: PersonalTable) -> Sequence[PurposeId]:
    """What a table is kept for: as declared, or what the service is registered for with that category."""
    return table.purposes or _registered(service, table.category)


async def explain(connection: Connection, holder: Holder, subject: SubjectId, *, tombstone_days: int) -> Explanation:
    """Count what is here about a person, table by table; tables that have nothing are left out."""
    state = await subjects.read(connection, subject)
    holds = (await known_holds.in_force(connection, [subject])).get(subject, [])
    asked = [*_own(holder, subject, holds), *_of_the_chassis(holder.name, subject, tombstone_days)]
    kept = [await _kept(connection, one) for one in asked]
    return Explanation(
        service=holder.name,
        restrictions=sorted(state.restrictions),
        erased=sorted(state.erased),
        erased_at=await subjects.erased_at(connection, subject),
        kept=[one for one in kept if one.rows],
    )


def _own(holder: Holder, subject: SubjectId, holds: Iterable[Hold]) -> Iterator[_Asked]:
    for table in holder.tables:
        condition, arguments = table.rows_of(subject)
        yield _Asked(
            table.table,
            condition,
            arguments,
            category=table.category,
            why=purposes_of(holder.name, table),
            rule=table.rule,
            fields={column: _form(table, column) for column in sorted(table.columns)},
            clock=table.clock,
            holds=[hold for hold in holds if covers(hold, holder.name, table)],
        )
    for place, reason in holder.kept_ids.items():
        table, _, column = place.partition(".")
        yield _Asked(table, f"{column} = $1", (subject,), None, [PurposeId.P8], reason, _fields(column))


def _of_the_chassis(service: str, subject: SubjectId, tombstone_days: int) -> Iterator[_Asked]:
    """The tables that every service has."""

    def asked(
        table: str, rule: str, why: Sequence[PurposeId], fields: dict[str, Form], clock: Clock | None = None
    ) -> _Asked:
        mine = "subject_ids @> ARRAY[$1::uuid]" if table == "parked" else "subject_id = $1"
        return _Asked(table, mine, (subject,), None, why, rule, fields, clock)

    rights, every, ids = [PurposeId.P8], _registered(service), _fields("subject_id")
    lock = "the person's row is the lock for all else; once erased, the tombstone"
    yield asked("subjects", lock, rights, ids | _fields("restrictions"), Clock("erased_at", days=tombstone_days))
    yield asked("work", "until it is done", every, ids | _fields("key"))
    yield asked("idempotency_keys", "a day", every, ids | _fields("response"), Clock("created_at", days=1))
    failed = _fields("subject_ids", "key") | _fields(sealed="record")
    yield asked("parked", "events that failed: until they are replayed or given up", every, failed)
    told = "R5: until it is lifted, and for the tombstones' window after"
    yield asked("known_holds", told, rights, ids | _fields("records"))
    yield asked("held_records", "R5: until the hold is lifted", rights, ids | _fields(sealed="content"))


def _fields(*plain: str, sealed: str | None = None) -> dict[str, Form]:
    found: dict[str, Form] = dict.fromkeys(plain, "id or time")
    return found if sealed is None else {sealed: "sealed"}


async def _kept(connection: Connection, asked: _Asked) -> KeptRows:
    first, last = ("min", "max") if asked.clock is not None else ("", "")
    due = asked.clock.due if asked.clock is not None else "NULL::timestamptz"
    row = await connection.fetchrow(
        f"SELECT count(*) AS rows, {first}({due}) AS first_goes, {last}({due}) AS last_goes"  # noqa: S608 - declared
        f" FROM {asked.table} WHERE {asked.condition}",
        *asked.arguments,
    )
    return KeptRows(
        table=asked.table,
        category=asked.category,
        why=[Why(purpose=one, title=PURPOSES[one].title, bases=list(PURPOSES[one].bases)) for one in asked.why],
        rule=asked.rule,
        rows=row["rows"] if row is not None else 0,
        fields=asked.fields,
        holds=[
            HeldBy(hold_id=hold.hold_id, ground=hold.ground, review_on=hold.review_on, records=list(hold.records))
            for hold in asked.holds
        ],
        first_goes=row["first_goes"] if row is not None else None,
        last_goes=row["last_goes"] if row is not None else None,
    )


def _form(table: PersonalTable, column: str) -> Form:
    if column in table.sealed:
        return "sealed"
    return "searched" if column in table.plain else "id or time"


def _registered(service: str, category: Category | None = None) -> list[PurposeId]:
    """For what the service may process at all, or data of this category."""
    return [
        purpose.id
        for purpose in PURPOSES.values()
        if service in purpose.services and (category is None or category in purpose.categories)
    ]
