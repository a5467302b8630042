"""Lifts a hold, or looks at it again. What was due meanwhile goes at once: its clock never stopped (R5, trap 48)."""

from datetime import datetime
from uuid import UUID

from chassis.hold_back import key_of
from chassis.logs import get_logger
from chassis.problems import conflict, not_found
from chassis.protocol import on_hold_lifted
from chassis.transaction import Transaction
from contracts.privacy import HoldLifted

from retention_service import holds
from retention_service.destroyed_ledger import Destroyed
from retention_service.holds import PlacedHold
from retention_service.keyring import Keyring
from retention_service.place_hold import check_review, say_placed

_log = get_logger()


async def lift_hold(tx: Transaction, keyring: Keyring, hold_id: UUID, officer: str) -> PlacedHold:
    """End it: its key is destroyed, and every holder lets go what it kept under it. Lifted before, it stays as it is.

    The transaction is about the person.

    Raises:
        Problem: 404, there is no such hold.
        BadLedger: the key can't be destroyed now; the hold stands.
    """
    placed = await _found(tx, hold_id)
    if placed.lifted_at is not None:
        return placed
    await holds.lift(tx.connection, hold_id, officer, tx.now())
    event = HoldLifted(subject_id=placed.subject_id, hold_id=hold_id, lifted_at=tx.now())
    await on_hold_lifted(event, tx)
    tx.publish(event)
    # last, because there is no way back: what could fail has been tried
    name = key_of(placed.subject_id, hold_id)
    await keyring.destruction.destroy(tx.connection, [Destroyed(name, tx.now())])
    _log.info("hold.lifted")
    return await _found(tx, hold_id)


async def review_hold(tx: Transaction, hold_id: UUID, officer: str, review_on: datetime) -> PlacedHold:
    """It was looked at and stays until the next review; whoever looked answers for it. The transaction is about the person.

    Raises:
        Problem: 404, there is no such hold; 409, it is lifted; 422, the review is not within a year.
    """
    check_review(tx, review_on)
    if (await _found(tx, hold_id)).lifted_at is not None:
        raise conflict("hold-lifted", "The hold is lifted: place another, for what is not erased yet.")
    await holds.review(tx.connection, hold_id, officer, review_on, tx.now())
    reviewed = await _found(tx, hold_id)
    await say_placed(tx, reviewed)
    _log.info("hold.reviewed")
    return reviewed


async def _found(tx: Transaction, hold_id: UUID) -> PlacedHold:
    placed = await holds.find(tx.connection, hold_id)
    if placed is None:
        raise not_found("hold")
    tx.state(placed.subject_id)  # nobody changes a hold without its person's lock
    return placed
