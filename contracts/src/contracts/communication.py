"""What was said to people, and by which channel (D4)."""

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime

from contracts.event import Event
from contracts.personal import Communication, Personal, SubjectId
from contracts.topics import COMMUNICATION


class MessageKind(StrEnum):
    JOB_ALERT = "job_alert"


class MessageSent(Event, topic=COMMUNICATION):
    """A mail was accepted by the mail server. What it was about is sealed: it tells what the person looks for."""

    subject_id: SubjectId
    message_id: UUID
    kind: MessageKind
    sent_at: AwareDatetime
    position_id: Personal[UUID | None, Communication]
