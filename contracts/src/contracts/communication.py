"""What was said to people, and by which channel (D4)."""

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime

from contracts.event import Event
from contracts.personal import Category, Communication, Personal, SubjectId
from contracts.topics import COMMUNICATION


class MessageKind(StrEnum):
    JOB_ALERT = "job_alert"
    DELETION_ANNOUNCED = "deletion_announced"


class MessageSent(Event, topic=COMMUNICATION):
    """A mail was accepted by the mail server. What it was about is sealed: it tells what the person looks for."""

    subject_id: SubjectId
    message_id: UUID
    kind: MessageKind
    sent_at: AwareDatetime
    position_id: Personal[UUID | None, Communication]


class LastMailOutcome(StrEnum):
    """How the last mail to an erased person ended."""

    SENT = "sent"
    GAVE_UP = "gave_up"
    NO_ADDRESS = "no_address"


class LastMailEnded(Event, topic=COMMUNICATION, category=Category.RIGHTS_CASE, privacy_protocol=True):
    """The last mail went out, or was given up: the address is forgotten, and the keys may be destroyed (A4)."""

    subject_id: SubjectId
    erasure_id: UUID
    outcome: LastMailOutcome
    ended_at: AwareDatetime


class RecipientMailSent(Event, topic=COMMUNICATION, key="recipient_id"):
    """A recipient of disclosed data was told by mail (GDPR Art. 19), under these references of the notice.

    A notice can come to be about more: it is told when a mail named all that it is about.
    """

    recipient_id: UUID
    notice_id: UUID
    reminder: int
    sent_at: AwareDatetime
    references: tuple[str, ...] = ()
