"""What a person's rights tell other services: exports that are open, recipients to be told, inactivity asked about."""

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime

from contracts.event import Event
from contracts.personal import Category, SubjectId
from contracts.topics import RETENTION, RETENTION_REPLIES, RIGHTS


class ExportEnd(StrEnum):
    """How an export ended."""

    DELIVERED = "delivered"
    EXPIRED = "expired"


class ExportOpened(Event, topic=RIGHTS, category=Category.RIGHTS_CASE, privacy_protocol=True):
    """A copy of a person's data waits for them (A2): an erasure is begun when it was fetched, or after 7 days (trap 49)."""

    subject_id: SubjectId
    export_id: UUID
    opened_at: AwareDatetime
    expires_at: AwareDatetime


class ExportClosed(Event, topic=RIGHTS, category=Category.RIGHTS_CASE, privacy_protocol=True):
    """The copy was fetched, or waited for too long: its key is destroyed."""

    subject_id: SubjectId
    export_id: UUID
    end: ExportEnd
    closed_at: AwareDatetime


class NoticeKind(StrEnum):
    """What a recipient is told of (GDPR Art. 19)."""

    ERASURE = "erasure"
    CORRECTION = "correction"
    RESTRICTION = "restriction"


class ProcessingRestricted(Event, topic=RIGHTS, category=Category.RIGHTS_CASE, privacy_protocol=True):
    """A person's data of these categories is to be stored and not used (GDPR Art. 18): who received it is told (Art. 19).

    Said again under the same `restriction_id`, with more categories, it covers those too. Lifting it is no occasion of
    Art. 19: the person is told before (Art. 18(3)), and a recipient, who answers for its own restriction, is not told.
    """

    subject_id: SubjectId
    restriction_id: UUID
    categories: frozenset[Category]
    restricted_at: AwareDatetime


class RecipientMailRequested(Event, topic=RIGHTS, key="recipient_id"):
    """A recipient without a webhook is told by mail, under the reference of the disclosure: the mail names nobody."""

    recipient_id: UUID
    notice_id: UUID
    mail: str
    kind: NoticeKind
    references: tuple[str, ...]
    reminder: int


class InactivitySuspected(Event, topic=RETENTION, category=Category.USER_INFORMATION):
    """Retention saw no activity for the whole period (R2): profile looks again, in its own transaction."""

    subject_id: SubjectId
    inactive_since: AwareDatetime
    limit: AwareDatetime


class StillActive(Event, topic=RETENTION_REPLIES, category=Category.USER_INFORMATION):
    """The person was active after all: nothing is erased."""

    subject_id: SubjectId
    active_at: AwareDatetime


class KeysUnconfirmed(Event, topic=RETENTION, category=Category.USER_INFORMATION, privacy_protocol=True):
    """Nothing has told that these keys are used since they were made: profile looks, in its own transaction."""

    subject_id: SubjectId
    keys: tuple[str, ...]
