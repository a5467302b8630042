"""What people do, as events."""

from uuid import uuid4

from chassis.testing import MovedClock
from contracts.personal import Category, Personal, SubjectId
from contracts.privacy import ErasureRequested
from contracts.profile import DeletionReason, JobInterestSaved


def saved(subject: SubjectId, clock: MovedClock) -> JobInterestSaved:
    return JobInterestSaved(
        subject_id=subject,
        interest_id=uuid4(),
        saved_at=clock.now(),
        occupation=Personal("fyrvokter"),
        place=Personal("Røst"),
    )


def to_be_erased(subject: SubjectId, clock: MovedClock) -> ErasureRequested:
    return ErasureRequested(
        subject_id=subject,
        erasure_id=uuid4(),
        nonce="once",
        reason=DeletionReason.TERMINATED,
        categories=frozenset({Category.USER_INFORMATION}),
        requested_at=clock.now(),
        due_at=clock.now(),
    )
