"""A job seeker asks to be told of positions of an occupation, in a place or anywhere (P4)."""

from typing import Final
from uuid import UUID

from chassis.clock import new_id
from chassis.problems import conflict
from chassis.transaction import Transaction
from contracts.personal import Personal, SubjectId, UserInformation
from contracts.profile import JobInterestSaved

from profile_service import job_interests
from profile_service.job_interests import JobInterest, Words
from profile_service.same_interest import same_interest
from profile_service.signed_in import signed_in

MOST_INTERESTS: Final = 50


async def save_job_interest(
    tx: Transaction, subject: SubjectId, occupation: str, place: str | None
) -> tuple[UUID, bool]:
    """The interest's id, and whether it is new: the same one saved again, in whatever spelling, is the one that is there.

    Raises:
        Problem: 401 when the profile ended; 409 when the person has too many.
    """
    await signed_in(tx, subject)
    theirs = await job_interests.all_of(tx.connection, subject)
    known = same_interest(tx, theirs, occupation, place)
    if known is not None:
        return known, False
    if len(theirs) >= MOST_INTERESTS:
        raise conflict("too-many-job-interests", f"Remove one first: at most {MOST_INTERESTS} can be saved.")
    interest_id = new_id(tx.clock)
    words = Words(
        occupation=Personal[str, UserInformation](occupation), place=Personal[str | None, UserInformation](place)
    )
    sealed = tx.seal(words, subject=subject, record_id=interest_id, schema="job_interests")
    await job_interests.add(tx.connection, subject, JobInterest(interest_id, sealed, tx.now()))
    tx.publish(
        JobInterestSaved(
            subject_id=subject,
            interest_id=interest_id,
            saved_at=tx.now(),
            occupation=words.occupation,
            place=words.place,
        )
    )
    return interest_id, True
