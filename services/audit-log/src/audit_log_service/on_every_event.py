"""Every event of every topic, known or not: an entry for ever, and what it said for as long as its people allow."""

from collections.abc import Sequence
from datetime import UTC, datetime

from chassis.records import Incoming
from chassis.transaction import Transaction
from contracts.envelope import dataschema
from contracts.personal import Category

from audit_log_service import contents, entries
from audit_log_service.contents import Content
from audit_log_service.entries import NewEntry, RecordPlace


async def on_every_event(events: Sequence[Incoming], tx: Transaction) -> None:
    """Append all of them, in order; of a person whose data of the event's category is erased, the entry only."""
    positions = await entries.append(tx.connection, [_entry(incoming) for incoming in events])
    placed = zip(positions, events, strict=True)
    kept = [_content(position, incoming) for position, incoming in placed if _may_be_kept(incoming, tx)]
    if kept:
        await contents.add(tx.connection, kept)


def category_of(incoming: Incoming) -> Category | None:
    """Whose erasure and which clock ends what the event said; None when it is about no one.

    The privacy protocol is evidence of how a request was handled. A type that this version does not know is erased with
    the person's profile: better too early than never.
    """
    event_class = incoming.event_class
    if not incoming.envelope.subjects:
        return None
    if event_class is None:
        return Category.USER_INFORMATION
    if event_class.privacy_protocol:
        return Category.RIGHTS_CASE
    return event_class.category or Category.USER_INFORMATION


def _may_be_kept(incoming: Incoming, tx: Transaction) -> bool:
    category = category_of(incoming)
    return not any(tx.state(subject).is_erased(category) for subject in incoming.envelope.subjects)


def _entry(incoming: Incoming) -> NewEntry:
    envelope, record = incoming.envelope, incoming.record
    return NewEntry(
        RecordPlace(record.topic, record.partition, record.offset),
        type=envelope.type,
        source=envelope.source,
        schema=dataschema(envelope.type),
        hour=_hour(envelope.time),
        commitment=envelope.commitment,
    )


def _content(position: int, incoming: Incoming) -> Content:
    envelope = incoming.envelope
    return Content(
        position,
        event_id=envelope.id,
        subjects=envelope.subjects,
        category=category_of(incoming),
        headers=envelope.headers(),
        body=incoming.record.value or b"",
        sealed_salt=envelope.sealed_salt,
    )


def _hour(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
