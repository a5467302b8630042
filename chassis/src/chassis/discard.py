"""Gives up a parked record that will never run, for a reason that stands in a ticket; the privacy protocol is never."""

from dataclasses import dataclass

from chassis import parked
from chassis.database import Database
from chassis.logs import get_logger
from chassis.metrics import Metrics
from chassis.parked import ParkedRow
from chassis.problems import conflict, not_found

_log = get_logger()


@dataclass(frozen=True, slots=True)
class Discarded:
    """The record that is gone, and how many of its key are parked still."""

    row: ParkedRow
    waiting: int


async def discard(database: Database, metrics: Metrics, parked_id: int, *, reason: str, caller: str) -> Discarded:
    """Delete the record. Later ones of its key are free: a replay runs them, and what comes then waits for nothing.

    Raises:
        Problem: there is no such record, or it belongs to the privacy protocol.
    """
    async with database.transaction(keys=()) as tx:
        found = await parked.lock(tx.connection, parked_id)
        if found is None:
            raise not_found("parked record")
        row, privacy_protocol = found
        if privacy_protocol:
            raise conflict(
                "privacy-protocol",
                "An event of the privacy protocol is never discarded: somebody's right depends on it."
                " Cure what its reason names, then replay it.",
            )
        await parked.delete(tx.connection, row.id)
        waiting = await parked.count_of_key(tx.connection, row.topic, row.key) if row.key is not None else 0
    metrics.parked_discarded.labels(row.topic).inc()
    _log.warning(
        "parked.discarded",
        id=row.id,
        topic=row.topic,
        partition=row.partition,
        offset=row.offset,
        type=row.event_type,
        event_id=row.event_id,
        ticket=reason,
        caller=caller,
    )
    return Discarded(row, waiting)
