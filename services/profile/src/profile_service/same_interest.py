"""Knows whether a person looks for the same already, in whatever spelling.

Nothing that is compared is stored: a person's interests are few, and are opened and compared under their lock.
"""

from collections.abc import Iterable
from uuid import UUID

from chassis.transaction import Transaction
from contracts.personal import ERASED

from profile_service.compared import compared
from profile_service.job_interests import JobInterest, Words


def same_interest(tx: Transaction, among: Iterable[JobInterest], occupation: str, place: str | None) -> UUID | None:
    """The one of these that means the same.

    Raises:
        BadBlob: one of them is damaged.
    """
    asked = _compared(occupation, place)
    for interest in among:
        words = tx.open(Words, interest.words)
        its_occupation, its_place = words.occupation.reveal(), words.place.reveal()
        if its_occupation is ERASED or its_place is ERASED:
            continue
        if _compared(its_occupation, its_place) == asked:
            return interest.interest_id
    return None


def _compared(occupation: str, place: str | None) -> tuple[str, str | None]:
    return compared(occupation), None if place is None else compared(place) or None
