"""Knows what there is to know of one erasure: whose it is, what is erased, and how far it has come."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.communication import LastMailOutcome
from contracts.personal import Category, SubjectId
from contracts.profile import DeletionReason

from retention_service.erasure_stages import Stage


@dataclass(frozen=True, slots=True)
class Erasure:
    """One row."""

    erasure_id: UUID
    subject_id: SubjectId
    reason: DeletionReason
    categories: frozenset[Category]
    nonce: str
    former_nonces: frozenset[str]
    asking: int
    """Which request to the holders this is, from 1: one more each time that it grew or was opened again."""
    receipt: str | None
    """What the link to the receipt ends in; None once the person was told, and in erasures older than receipts."""
    receipt_name: str | None
    policy: str | None
    stage: Stage
    fence_id: UUID | None
    requested_at: datetime
    due_at: datetime
    answered_at: datetime | None
    fenced_at: datetime | None
    told_at: datetime | None
    mailed_at: datetime | None
    mail_outcome: LastMailOutcome | None
    done_at: datetime | None
