"""A service's declaration of the personal data it holds, and what follows from it: erasing, and finding residue.

Every table of the service is either declared with each of its columns, or named as impersonal with the reason; a test
reads the real schema and refuses a table or column that is neither (promises R6, L4).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from contracts.personal import Category, SubjectId
from contracts.privacy import ConsumerGroup, ErasureRequested, HeldTable, HolderRegistered, PersonalDataErased

from chassis import known_holds, parked, work
from chassis.hold_back import keep_back, keys_needed
from chassis.holder_replies import sign_answer, sign_reply
from chassis.keys import KeyName
from chassis.personal_tables import PersonalTable
from chassis.sql import Connection
from chassis.transaction import Transaction

CHASSIS_TABLES: Final = frozenset(
    {
        "subjects",
        "outbox",
        "inbox",
        "offsets",
        "parked",
        "work",
        "idempotency_keys",
        "registration",
        "migrations",
        "sightings",
        "recoveries",
        "known_holds",
        "held_records",
    }
)
"""Tables that every service has. Those with rows about people (parked, work, idempotency_keys) are erased with it;
what a hold keeps (held_records) goes when that is lifted."""


@dataclass(frozen=True, slots=True)
class Holder:
    """What one service holds. `impersonal` names every other table of its own, with why no erasure touches it."""

    name: str
    tables: tuple[PersonalTable, ...] = ()
    impersonal: Mapping[str, str] = field(default_factory=dict[str, str])
    work_kinds: Mapping[str, Category] = field(default_factory=dict[str, Category])
    """Kinds of work about a person, by the category whose erasure ends them."""
    kept_ids: Mapping[str, str] = field(default_factory=dict[str, str])
    """Columns of impersonal tables, as `table.column`, that name erased people for ever, each with the reason."""

    def registration(self, groups: Sequence[ConsumerGroup], tx: Transaction) -> HolderRegistered:
        """That this service must be asked in every erasure, signed."""
        tables = tuple(HeldTable(table=t.table, category=t.category, rule=t.rule) for t in self.tables)
        said = HolderRegistered(holder=self.name, groups=tuple(groups), tables=tables, registered_at=tx.now())
        return sign_reply(said, tx.signing_key)

    async def erase(self, event: ErasureRequested, tx: Transaction) -> None:
        """Erase in this transaction what the request names but what is held, leave the tombstone, and answer, signed.

        Raises:
            KeyringUnavailable: what is held needs keys that are not at hand; nothing was changed, try again.
        """
        held = await keep_back(tx, self.name, self.tables, event.subject_id, event.categories, event.holds)
        tables = [table for table in self.tables if table.category in event.categories]
        rows = {table.table: 0 for table in tables}
        rows_by_category = {table.category: 0 for table in tables}
        for table in tables:
            erased = await _delete(tx.connection, table, event.subject_id)
            rows[table.table] += erased
            rows_by_category[table.category] += erased
        kinds = [kind for kind, category in self.work_kinds.items() if category in event.categories]
        rows["work"] = await work.erase(tx.connection, event.subject_id, kinds)
        rows["parked"] = await parked.erase(tx.connection, event.subject_id, event.categories)
        rows["idempotency_keys"] = await _delete(tx.connection, _KEPT_ANSWERS, event.subject_id)
        await tx.mark_erased(event.subject_id, event.categories)
        reply = PersonalDataErased(
            subject_id=event.subject_id,
            erasure_id=event.erasure_id,
            nonce=event.nonce,
            holder=self.name,
            rows=rows,
            erased_at=tx.now(),
            signature="",
            held=held,
            rows_by_category=rows_by_category,
            asking=event.asking,
            categories=tuple(sorted(event.categories)),
        )
        tx.publish(sign_answer(event.receipt, reply, tx.signing_key))

    async def keys_of_held(self, connection: Connection, events: Sequence[ErasureRequested]) -> list[KeyName]:
        """The keys that these erasures need for what is held; none without a hold. Looked up before their transaction."""
        known = await known_holds.in_force(connection, [event.subject_id for event in events])
        names: list[KeyName] = []
        for event in events:
            holds = [*event.holds, *known.get(event.subject_id, [])]
            if holds:
                names += await keys_needed(
                    connection, self.name, self.tables, event.subject_id, event.categories, holds
                )
        return names

    async def still_here(self, connection: Connection, subjects: Sequence[SubjectId]) -> set[SubjectId]:
        """Of whom this service has anything: rows of any category, work, or parked events."""
        found: set[SubjectId] = await work.people_with_any(connection, subjects)
        found |= await parked.people_with_any(connection, subjects)
        found |= await known_holds.people_with_any(connection, subjects)
        for table, owner in {(table.table, table.owner) for table in self.tables}:
            rows = await connection.fetch(
                f"SELECT DISTINCT {owner} FROM {table} WHERE {owner} = ANY($1::uuid[])",  # noqa: S608 - declared names
                list(subjects),
            )
            found |= {SubjectId(row[0]) for row in rows}
        for table, several in {(table.table, table.several) for table in self.tables if table.several is not None}:
            rows = await connection.fetch(
                f"SELECT {several} FROM {table} WHERE {several} && $1::uuid[]",  # noqa: S608 - declared names
                list(subjects),
            )
            found |= {SubjectId(one) for row in rows for one in row[0]} & set(subjects)
        return found

    async def residue(
        self, connection: Connection, subject: SubjectId, categories: Sequence[Category]
    ) -> dict[str, int]:
        """How many rows of these categories are still here, by table; empty when none."""
        found: dict[str, int] = {}
        for table in self.tables:
            if table.category in categories:
                condition, arguments = table.rows_of(subject)
                count = await connection.fetchval(
                    f"SELECT count(*) FROM {table.table} WHERE {condition}",  # noqa: S608 - declared names
                    *arguments,
                )
                found[table.table] = found.get(table.table, 0) + int(count)
        return {table: count for table, count in found.items() if count}


_KEPT_ANSWERS: Final = PersonalTable(
    "idempotency_keys", Category.USER_INFORMATION, "subject_id", "deleted after a day, or with the person"
)


async def _delete(connection: Connection, table: PersonalTable, subject: SubjectId) -> int:
    condition, arguments = table.rows_of(subject)
    tag = await connection.execute(f"DELETE FROM {table.table} WHERE {condition}", *arguments)  # noqa: S608 - declared
    return int(tag.rpartition(" ")[2])


def digest(event: HolderRegistered) -> bytes:
    """What a registration says, without its time and signature: a restart that says the same need not repeat it."""
    return sha256(event.model_dump_json(exclude={"registered_at", "signature"}).encode()).digest()
