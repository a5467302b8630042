"""Who received what about whom (S4), so that each can be told of a correction, erasure or restriction (GDPR Art. 19)."""

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime

from contracts.event import Event
from contracts.personal import Category, SubjectId
from contracts.topics import DISCLOSURE


class RecipientKind(StrEnum):
    """What a recipient is: S1 employers, S2 processors, S3 authorities."""

    EMPLOYER = "employer"
    PROCESSOR = "processor"
    AUTHORITY = "authority"
    OTHER = "other"


class RecipientRegistered(Event, topic=DISCLOSURE, key="recipient_id"):
    """Somebody may receive personal data, and is told by webhook or mail of what becomes of it.

    `mail` is a functional mailbox of the organisation, never a person's; `webhook` an https address;
    `acknowledgement_key` a base64url Ed25519 public key (RFC 8032) with which it signs that it acted.
    """

    recipient_id: UUID
    name: str
    kind: RecipientKind
    webhook: str | None = None
    mail: str | None = None
    acknowledgement_key: str | None = None
    registered_at: AwareDatetime


class PersonalDataDisclosed(Event, topic=DISCLOSURE, category=Category.RIGHTS_CASE):
    """A recipient got data of a person: which fields, why, and under which reference both sides know it from then on.

    `reference` is random, and drawn for this disclosure alone: it tells nobody else whom it is about.
    """

    subject_id: SubjectId
    disclosure_id: UUID
    recipient_id: UUID
    reference: str
    data_category: Category
    fields: tuple[str, ...]
    why: str
    disclosed_at: AwareDatetime
