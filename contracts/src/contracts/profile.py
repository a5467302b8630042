"""What the profile service says of people: who registered, corrected, left, and which positions they look for."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from contracts.event import Event
from contracts.personal import Category, Personal, SubjectId, UserInformation
from contracts.topics import PROFILE


class ProfileKind(StrEnum):
    """Job seekers are processed for P1, employer users for P2."""

    JOB_SEEKER = "job_seeker"
    EMPLOYER = "employer"


class HomeAddress(BaseModel):
    """A postal address in Norway or elsewhere."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    street: str | None = None
    postal_code: str | None = None
    city: str | None = None


class DeletionReason(StrEnum):
    """Why a profile ended. With the category it decides what is erased (`contracts.privacy.ERASURE_SCOPE`)."""

    TERMINATED = "terminated"
    REQUESTED = "requested"
    INACTIVE = "inactive"


class ProfileRegistered(Event, topic=PROFILE):
    """A person made a profile (P1 for job seekers, P2 for employer users)."""

    subject_id: SubjectId
    kind: ProfileKind
    employer_id: UUID | None = None
    registered_at: AwareDatetime
    name: Personal[str, UserInformation]
    email: Personal[str, UserInformation]
    phone: Personal[str | None, UserInformation]
    home_address: Personal[HomeAddress | None, UserInformation]
    date_of_birth: Personal[date | None, UserInformation]


class ProfileCorrected(Event, topic=PROFILE):
    """A person's own details were corrected or supplemented (A3). Carries every contact field, changed or not."""

    subject_id: SubjectId
    corrected_at: AwareDatetime
    name: Personal[str, UserInformation]
    email: Personal[str, UserInformation]
    phone: Personal[str | None, UserInformation]
    home_address: Personal[HomeAddress | None, UserInformation]
    date_of_birth: Personal[date | None, UserInformation]


class ProfileDeleted(Event, topic=PROFILE, category=Category.USER_INFORMATION):
    """A profile ended for good: its cooling-off is over. The erasure starts from here (R1, A4)."""

    subject_id: SubjectId
    reason: DeletionReason
    deleted_at: AwareDatetime


class DeletionAnnounced(Event, topic=PROFILE):
    """A deletion runs and is told to the person by mail; `cancel_token` takes it back until `final_at` (A4)."""

    subject_id: SubjectId
    final_at: AwareDatetime
    cancel_token: Personal[str, UserInformation]


class KeysAccountedFor(Event, topic=PROFILE, category=Category.USER_INFORMATION, privacy_protocol=True):
    """Which keys of a person are in use, and which never were and never will be: these may be destroyed."""

    subject_id: SubjectId
    used: tuple[str, ...]
    unused: tuple[str, ...]


class JobInterestSaved(Event, topic=PROFILE):
    """A job seeker asked to be told of new positions of this occupation, in this place or anywhere (P4)."""

    subject_id: SubjectId
    interest_id: UUID
    saved_at: AwareDatetime
    occupation: Personal[str, UserInformation]
    place: Personal[str | None, UserInformation]


class JobInterestRemoved(Event, topic=PROFILE, category=Category.USER_INFORMATION):
    """A job seeker no longer wants to be told of positions of this interest."""

    subject_id: SubjectId
    interest_id: UUID
    removed_at: AwareDatetime
