"""What the operator's routes take and answer, for the services that answer and the tools that ask. No personal data."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class ServiceStatus(BaseModel):
    """One service at a glance."""

    service: str
    outbox_rows: int
    outbox_refused: int
    outbox_oldest: datetime | None
    parked: int
    work: Mapping[str, int]
    offsets: Mapping[str, int]


class ParkedRecord(BaseModel):
    """A parked record without its content."""

    id: int
    topic: str
    partition: int
    offset: int
    key: str | None
    event_id: UUID | None
    event_type: str | None
    reason: str
    parked_at: datetime


class ReplayRequest(BaseModel):
    """What to replay: one topic and key, or everything when both are left out."""

    model_config = ConfigDict(extra="forbid")

    topic: str | None = Field(default=None, max_length=200)
    key: str | None = Field(default=None, max_length=200)


class ReplayedKey(BaseModel):
    """How many events of a key ran, and why the next one still can't."""

    topic: str
    key: str
    done: int
    stopped_by: str | None


class ReplayAnswer(BaseModel):
    """What became of each key that was chosen."""

    keys: list[ReplayedKey]
