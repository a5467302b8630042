"""Places a hold on a person's data, with a key of its own: from its commit on no erasure takes what it covers (R5).

It counts for everybody who has not erased yet; what is gone already can't be held, and the answer says so.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from chassis.clock import new_id
from chassis.hold_back import key_of
from chassis.keys import LOG_KEY, KeyName
from chassis.logs import get_logger
from chassis.problems import conflict, invalid, not_found
from chassis.protocol import on_hold_placed
from chassis.transaction import Transaction
from contracts.personal import Category, Personal, PersonalRecord, RightsCase, SubjectId
from contracts.privacy import Hold, HoldPlaced, LegalGround

from retention_service import erasure_holders, erasures, holders, holds, subject_keys
from retention_service.holds import PlacedHold
from retention_service.keyring import Keyring
from retention_service.make_keys import make_keys

LONGEST_REVIEW: Final = timedelta(days=366)
"""A hold that nobody looks at for longer is a hold that is never released (trap 48)."""
_PAST_ERASURES: Final = 100
_log = get_logger()


class Reason(PersonalRecord):
    """Why, in the officer's words."""

    reason: Personal[str, RightsCase]


@dataclass(frozen=True, slots=True)
class NewHold:
    """What an officer asks for: everything of the person, a category, a holder's table, or single records of it."""

    subject_id: SubjectId
    category: Category | None
    holder: str | None
    table: str | None
    records: tuple[UUID, ...]
    ground: LegalGround
    reason: Personal[str, RightsCase]
    review_on: datetime


@dataclass(frozen=True, slots=True)
class Placed:
    """The hold, and which holders had erased some of what it covers before it came."""

    placed: PlacedHold
    too_late: tuple[str, ...]


def keys_for(subject: SubjectId) -> list[KeyName]:
    """What a transaction needs that writes or reads the reason of a hold."""
    return [LOG_KEY, KeyName(subject, Category.RIGHTS_CASE)]


async def place_hold(tx: Transaction, keyring: Keyring, wanted: NewHold, officer: str) -> Placed:
    """Make the key, write it down, and tell every holder. The transaction is about the person, with `keys_for` them.

    Raises:
        Problem: 404, nobody is known by this id; 409, all that it would cover is erased; 422, no holder has this table,
            or the review is not within a year.
        BadKeks: no key can be made now.
        SubjectGone: the person's rights cases are erased.
    """
    known = KeyName(wanted.subject_id, Category.RIGHTS_CASE)
    if known not in await subject_keys.find(tx.connection, [known]):
        raise not_found("person")
    check_review(tx, wanted.review_on)
    covered = await _categories(tx, wanted)
    too_late = await _too_late(tx, wanted, covered)
    hold = Hold(
        hold_id=new_id(tx.clock),
        category=wanted.category,
        holder=wanted.holder,
        table=wanted.table,
        records=wanted.records,
        ground=wanted.ground,
        review_on=wanted.review_on,
    )
    await make_keys(tx, keyring.store, [key_of(wanted.subject_id, hold.hold_id)])
    reason = tx.seal(Reason(reason=wanted.reason), subject=wanted.subject_id, record_id=hold.hold_id, schema="holds")
    placed = PlacedHold(hold, wanted.subject_id, reason, officer, tx.now())
    await holds.insert(tx.connection, placed)
    await say_placed(tx, placed)
    _log.info("hold.placed", ground=hold.ground, too_late=list(too_late))
    return Placed(placed, too_late)


async def say_placed(tx: Transaction, placed: PlacedHold) -> None:
    """Tell every holder, this one in this transaction. Said again, it has another review date."""
    event = HoldPlaced(subject_id=placed.subject_id, hold=placed.hold, placed_at=placed.placed_at)
    await on_hold_placed(event, tx)
    tx.publish(event)


def check_review(tx: Transaction, review_on: datetime) -> None:
    """Refuse a review that was, or that is more than a year away.

    Raises:
        Problem: 422.
    """
    if not tx.now() < review_on <= tx.now() + LONGEST_REVIEW:
        raise invalid("/body/review_on", "must be within a year from now")


async def _categories(tx: Transaction, wanted: NewHold) -> frozenset[Category]:
    """Which categories it is about.

    Raises:
        Problem: 422, what it names is declared by nobody: it would hold nothing, in silence.
    """
    declared = [
        table
        for holder in await holders.registered(tx.connection)
        if wanted.holder in (None, holder.holder)
        for table in holder.tables
        if wanted.table in (None, table.table) and wanted.category in (None, table.category)
    ]
    if not declared and (wanted.holder is not None or wanted.table is not None):
        raise invalid("/body/table" if wanted.table else "/body/holder", "no holder has declared this")
    if wanted.category is not None:
        return frozenset({wanted.category})
    if wanted.table is not None:
        return frozenset(table.category for table in declared)
    return frozenset(Category)


async def _too_late(tx: Transaction, wanted: NewHold, covered: frozenset[Category]) -> tuple[str, ...]:
    """Who has erased some of it.

    Raises:
        Problem: 409, everybody has erased all of it.
    """
    gone: set[tuple[str, Category]] = set()
    silent: set[tuple[str, Category]] = set()
    past = await erasures.page(tx.connection, subject=wanted.subject_id, before=None, limit=_PAST_ERASURES)
    asked = await erasure_holders.of_erasures(tx.connection, [one.erasure_id for one in past])
    for erasure in past:
        for part in asked.get(erasure.erasure_id, []):
            if wanted.holder in (None, part.holder):
                parts = gone if part.replied_at is not None else silent
                parts.update((part.holder, category) for category in covered & erasure.categories)
    if not silent - gone and covered <= {category for _, category in gone}:
        raise conflict("already-erased", "All that this would hold is erased: nothing is left to be held.")
    return tuple(sorted({holder for holder, _ in gone}))
