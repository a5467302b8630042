"""The breaker: too many erasures within an hour stop all that come after them, until two officers release it.

Destroying keys can't be taken back, so a script, a fault or one officer must not be able to erase people in bulk. What
is held back is restricted and waits; its due date runs on from when it was asked for.
"""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Final
from uuid import UUID

from chassis.clock import new_id
from chassis.logs import get_logger
from chassis.problems import conflict
from chassis.transaction import Transaction
from contracts.personal import SubjectId

from retention_service import breaker_trips, erasures, held_back, subject_keys
from retention_service.breaker_trips import Trip
from retention_service.officers import first_word
from retention_service.settings import RetentionSettings

BEGIN_HELD: Final = "begin_held"
WINDOW: Final = timedelta(hours=1)
_log = get_logger()


@dataclass(frozen=True, slots=True)
class Breaker:
    """How many erasures may begin within an hour: a number, or a share of all people, whichever is less."""

    per_hour: int
    share: float
    at_least: int
    """So many may begin however few people there are."""

    @classmethod
    def told_by(cls, settings: RetentionSettings) -> "Breaker":
        return cls(settings.erasures_per_hour, settings.erasures_share, settings.erasures_at_least)

    async def holds_back(self, tx: Transaction, erasure_id: UUID, subject: SubjectId) -> bool:
        """Whether this erasure, which stands in its table, must not begin now; it is kept if so."""
        await breaker_trips.hold_still(tx.connection)
        trip = await breaker_trips.open_one(tx.connection)
        trip_id = trip.trip_id if trip is not None else await self._trip(tx)
        if trip_id is None:
            return False
        await held_back.add(tx.connection, erasure_id, trip_id, subject)
        return True

    async def _trip(self, tx: Transaction) -> UUID | None:
        """Stop everything, if the erasure that was asked for last is one too many."""
        since = tx.now() - WINDOW
        released = await breaker_trips.last_release(tx.connection)
        begun = await erasures.begun_since(tx.connection, max(since, released) if released is not None else since)
        if begun <= min(self.at_least, self.per_hour):
            return None
        people = await subject_keys.count_people(tx.connection)
        most = min(self.per_hour, max(self.at_least, ceil(people * self.share)))
        if begun <= most:
            return None
        trip_id = new_id(tx.clock)
        await breaker_trips.insert(tx.connection, trip_id, tx.now(), begun=begun, most=most)
        _log.critical("breaker.tripped", begun=begun, most=most, cure="two officers release it: `tillit breaker`")
        return trip_id


async def agree(tx: Transaction, officer: str) -> tuple[Trip, bool]:
    """An officer's word that what is held back may begin; the second of two different ones within a week releases it.

    Raises:
        Problem: 409, nothing is held, or this officer has said so already.
    """
    await breaker_trips.hold_still(tx.connection)
    trip = await breaker_trips.open_one(tx.connection)
    if trip is None:
        raise conflict("breaker-not-tripped", "The breaker holds nothing back.")
    agreed = first_word(trip.first_officer, trip.first_at, tx.now())
    if agreed == officer:
        raise conflict("another-officer-is-needed", "You have agreed already: another officer must agree too.")
    if agreed is None:
        await breaker_trips.agree(tx.connection, trip.trip_id, officer, tx.now())
        _log.warning("breaker.agreed", officer=officer)
    else:
        await breaker_trips.release(tx.connection, trip.trip_id, officer, tx.now())
        held = await held_back.of_trip(tx.connection, trip.trip_id)
        for erasure_id, subject in held.items():
            tx.enqueue(BEGIN_HELD, str(erasure_id), subject=subject)
        _log.warning("breaker.released", officer=officer, erasures=len(held))
    return trip, agreed is not None
