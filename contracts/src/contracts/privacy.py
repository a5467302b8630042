"""The privacy protocol: how deletion, erasure and restriction spread, and who must answer. Every holder speaks it.

Its events pass the guard for erased people, are sent only after all older ones, and never wait behind a parked event.
"""

from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.event import Event
from contracts.personal import Category, SubjectId
from contracts.profile import DeletionReason
from contracts.topics import ERASURE, ERASURE_REPLIES, HOLDERS, PROFILE, RIGHTS

POLICY_VERSION: Final = "1"
"""Of the published privacy policy that this matrix keeps. An erasure follows the one in force when it was asked for."""

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


class LegalGround(StrEnum):
    """Why erasure may be held back: the exceptions of GDPR Art. 17(3) that the policy names (R5)."""

    LEGAL_OBLIGATION = "17(3)(b)"
    LEGAL_CLAIM = "17(3)(e)"


class Hold(BaseModel):
    """What of a person is held: everything, one category, or single records of one table of one holder (R5).

    `category` None means every category; `records` are ids in `table` of `holder`, and none means no single record.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    hold_id: UUID
    category: Category | None = None
    holder: str | None = None
    table: str | None = None
    records: tuple[UUID, ...] = ()
    ground: LegalGround
    review_on: AwareDatetime


class HeldRecords(BaseModel):
    """How many records of one category a holder keeps under a hold, re-sealed with the hold's own key."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    hold_id: UUID
    category: Category
    ground: LegalGround
    review_on: AwareDatetime
    records: int


class HoldPlaced(Event, topic=RIGHTS, category=Category.RIGHTS_CASE, privacy_protocol=True):
    """Data of a person may not be erased for now, by rule or request: on which ground, and until which review (R5)."""

    subject_id: SubjectId
    hold: Hold
    placed_at: AwareDatetime


class HoldLifted(Event, topic=RIGHTS, category=Category.RIGHTS_CASE, privacy_protocol=True):
    """A hold is over: what was due meanwhile goes, and its clock did not stop (R5)."""

    subject_id: SubjectId
    hold_id: UUID
    lifted_at: AwareDatetime


class HolderRegistered(Event, topic=HOLDERS, key="holder", privacy_protocol=True):
    """A service holds personal data, and must be asked in every erasure from now on (trap 42).

    `signature` is base64url Ed25519, by the holder's own key, over `chassis.holder_replies.signed_bytes`.
    """

    holder: str
    groups: tuple[ConsumerGroup, ...]
    tables: tuple[HeldTable, ...]
    registered_at: AwareDatetime
    signature: str = ""


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
    """Every registered holder must erase these categories of this person, but what is held, and answer with the nonce.

    `receipt` is the name that the receipt gives this erasure (`contracts.receipts.name_of`): the link that fetches the
    receipt can't be found from it. `asking` counts from 1: an erasure that grows, or left something behind, asks anew.
    """

    subject_id: SubjectId
    erasure_id: UUID
    nonce: str
    reason: DeletionReason
    categories: frozenset[Category]
    requested_at: AwareDatetime
    due_at: AwareDatetime
    holds: tuple[Hold, ...] = ()
    receipt: str = ""
    asking: int = 1


class PersonalDataErased(Event, topic=ERASURE_REPLIES, category=Category.RIGHTS_CASE, privacy_protocol=True):
    """One holder has erased, in one transaction, so many rows of each table. Signed: it completes nobody else's part.

    `signature` is base64url Ed25519, by the holder's own key, over `chassis.holder_replies.signed_bytes`.
    `statement_signature` is the same key's over `contracts.receipts.statement_bytes`: what the receipt shows of the
    answer, under the receipt's number and without the person. `asking` and `categories` (sorted) are those of the request.
    """

    subject_id: SubjectId
    erasure_id: UUID
    nonce: str
    holder: str
    rows: dict[str, int]
    erased_at: AwareDatetime
    signature: str
    held: tuple[HeldRecords, ...] = ()
    rows_by_category: dict[Category, int] = Field(default_factory=dict[Category, int])
    statement_signature: str = ""
    asking: int = 1
    categories: tuple[Category, ...] = ()


class SubjectErased(Event, topic=ERASURE, category=Category.RIGHTS_CASE, privacy_protocol=True):
    """The keys of these categories of this person are destroyed. Subject and categories only (trap 51)."""

    subject_id: SubjectId
    categories: frozenset[Category]


class ResidueScanRequested(Event, topic=ERASURE, category=Category.RIGHTS_CASE, privacy_protocol=True):
    """Every holder must look through every column of its database for what an erasure left behind, and answer."""

    subject_id: SubjectId
    erasure_id: UUID
    nonce: str
    categories: frozenset[Category]
    requested_at: AwareDatetime


class ResidueScanned(Event, topic=ERASURE_REPLIES, category=Category.RIGHTS_CASE, privacy_protocol=True):
    """One holder has read every column of every table; `found` counts rows by `table.column`, and is empty when clean.

    Signed as `PersonalDataErased` is.
    """

    subject_id: SubjectId
    erasure_id: UUID
    nonce: str
    holder: str
    columns: int
    found: dict[str, int]
    scanned_at: AwareDatetime
    signature: str
