"""The privacy protocol: how deletion, erasure and restriction spread, and who must answer. Every holder speaks it.

Its events pass the guard for erased people, are sent only after all older ones, and never wait behind a parked event.
"""

from types import MappingProxyType
from typing import Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from contracts.event import Event
from contracts.personal import Category, SubjectId
from contracts.profile import DeletionReason
from contracts.topics import ERASURE, ERASURE_REPLIES, HOLDERS, PROFILE

ERASURE_SCOPE: Final = MappingProxyType(
    {
        DeletionReason.TERMINATED: frozenset({Category.USER_INFORMATION}),
        DeletionReason.INACTIVE: frozenset({Category.USER_INFORMATION}),
        DeletionReason.REQUESTED: frozenset(
            {Category.USER_INFORMATION, Category.COMMUNICATION, Category.WEBSITE_USAGE}
        ),
    }
)
"""Reason x category: what an erasure erases. Reviewed data (R1, R2, A4): communication and security evidence run their
own clocks unless the person asks for their erasure too."""


class ConsumerGroup(BaseModel):
    """One Kafka consumer group of a holder and the topics it reads: what the fence waits for."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    group: str
    topics: tuple[str, ...]


class HeldTable(BaseModel):
    """One table of a holder that keeps personal data: its category and the rule that ends it (R6)."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    table: str
    category: Category
    rule: str


class HolderRegistered(Event, topic=HOLDERS, key="holder", privacy_protocol=True):
    """A service holds personal data, and must be asked in every erasure from now on (trap 42)."""

    holder: str
    groups: tuple[ConsumerGroup, ...]
    tables: tuple[HeldTable, ...]
    registered_at: AwareDatetime


class DeletionRequested(Event, topic=PROFILE, category=Category.USER_INFORMATION, privacy_protocol=True):
    """A person asked to be deleted: restricted at once, deleted at `final_at` unless cancelled (A4)."""

    subject_id: SubjectId
    reason: DeletionReason
    requested_at: AwareDatetime
    final_at: AwareDatetime


class DeletionCancelled(Event, topic=PROFILE, category=Category.USER_INFORMATION, privacy_protocol=True):
    """A person took their deletion back within the cooling-off: no longer restricted by it."""

    subject_id: SubjectId
    cancelled_at: AwareDatetime


class ErasureRequested(Event, topic=ERASURE, category=Category.RIGHTS_CASE, privacy_protocol=True):
    """Every registered holder must erase these categories of this person, and answer with the nonce."""

    subject_id: SubjectId
    erasure_id: UUID
    nonce: str
    reason: DeletionReason
    categories: frozenset[Category]
    requested_at: AwareDatetime
    due_at: AwareDatetime


class PersonalDataErased(Event, topic=ERASURE_REPLIES, category=Category.RIGHTS_CASE, privacy_protocol=True):
    """One holder has erased, in one transaction, so many rows of each table. Signed: it completes nobody else's part.

    `signature` is base64url Ed25519, by the holder's own key, over `chassis.holder_replies.signed_bytes`.
    """

    subject_id: SubjectId
    erasure_id: UUID
    nonce: str
    holder: str
    rows: dict[str, int]
    erased_at: AwareDatetime
    signature: str


class SubjectErased(Event, topic=ERASURE, category=Category.RIGHTS_CASE, privacy_protocol=True):
    """The keys of these categories of this person are destroyed. Subject and categories only (trap 51)."""

    subject_id: SubjectId
    categories: frozenset[Category]
