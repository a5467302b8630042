"""What every service does on the privacy protocol besides erasing: restrict, hold, lift, drop keys, look for residue."""

from dataclasses import replace
from functools import wraps
from typing import Any
from uuid import UUID

from contracts.event import Event
from contracts.personal import SubjectId
from contracts.privacy import (
    DeletionCancelled,
    DeletionRequested,
    ErasureRequested,
    HoldLifted,
    HoldPlaced,
    ResidueScanRequested,
    SubjectErased,
)
from contracts.purposes import PurposeId

from chassis import held_records, known_holds
from chassis.keys import SubjectKeys
from chassis.reactions import BadReaction, Mode, Reaction, Single
from chassis.scan_residue import ask_for_scan
from chassis.scoped_keys import Scope, single
from chassis.subjects import DELETION_PENDING
from chassis.transaction import Transaction

KEYS_CHANNEL = "tillit_keys_dropped"
"""NOTIFY channel: `subject category category …`, to every process of the service, whatever its role."""


async def on_deletion_requested(event: DeletionRequested, tx: Transaction) -> None:
    """The person is restricted from now on: stored, not used (A4)."""
    await tx.restrict(event.subject_id, DELETION_PENDING)


async def on_deletion_cancelled(event: DeletionCancelled, tx: Transaction) -> None:
    """The deletion was taken back: its restriction is lifted."""
    await tx.lift_restriction(event.subject_id, DELETION_PENDING)


async def on_subject_erased(event: SubjectErased, tx: Transaction) -> None:
    """The keys are destroyed: the tombstone stands, and every process of this service forgets them."""
    await tx.mark_erased(event.subject_id, event.categories)
    payload = " ".join([str(event.subject_id), *sorted(event.categories)])
    await tx.execute("SELECT pg_notify($1, $2)", KEYS_CHANNEL, payload)


async def on_residue_scan_requested(event: ResidueScanRequested, tx: Transaction) -> None:
    """Look through every column for what an erasure left behind, and answer; the worker does it."""
    ask_for_scan(event, tx)


async def on_hold_placed(event: HoldPlaced, tx: Transaction) -> None:
    """From now on an erasure here keeps back what it covers (R5). Said again, it has another review date."""
    await known_holds.remember(tx.connection, event.subject_id, [event.hold])


async def on_hold_lifted(event: HoldLifted, tx: Transaction) -> None:
    """What was due and held goes at once; what was not erased yet is held no longer (R5, trap 48)."""
    await held_records.release(tx.connection, event.hold_id)
    await known_holds.lift(tx.connection, event.subject_id, event.hold_id, tx.now())
    payload = f"{event.subject_id} {single(Scope.HOLD, event.hold_id)}"
    await tx.execute("SELECT pg_notify($1, $2)", KEYS_CHANNEL, payload)


def drop_keys(keys: SubjectKeys, payload: str) -> None:
    """Forget what a notification names."""
    subject, *categories = payload.split(" ")
    keys.drop(SubjectId(UUID(subject)), categories)


def builtin_reactions(service: str) -> list[Reaction]:
    """Those for events that others publish; the publisher of an event changed itself when it did."""
    reactions: list[tuple[type[Event], Single[Any]]] = [
        (DeletionRequested, on_deletion_requested),
        (DeletionCancelled, on_deletion_cancelled),
        (SubjectErased, on_subject_erased),
        (ResidueScanRequested, on_residue_scan_requested),
        (HoldPlaced, on_hold_placed),
        (HoldLifted, on_hold_lifted),
    ]
    return [
        Reaction(event, Mode.PROTOCOL, PurposeId.P8, single=function)
        for event, function in reactions
        if event.topic.owner != service
    ]


def erasing(erase: Single[ErasureRequested]) -> Reaction:
    """What a service does on the request that has nothing to add to it."""
    return Reaction(ErasureRequested, Mode.PROTOCOL, PurposeId.P8, single=erase)


def after_builtin(builtin: Reaction, own: Reaction) -> Reaction:
    """What every service does on the event, and then what this one does besides, in the same transaction."""
    first, second = builtin.single, own.single
    if first is None or second is None:
        raise BadReaction(f"{own.event.type} is part of the privacy protocol: declare protocol, which takes one event")

    @wraps(second)
    async def both(event: Event, tx: Transaction) -> None:
        await first(event, tx)
        await second(event, tx)

    return replace(own, single=both)
