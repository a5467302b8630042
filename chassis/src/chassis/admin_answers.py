"""What the operator's routes take and answer, for the services that answer and the tools that ask. No personal data."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

REFERENCE: Final = r"^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,99}$"
"""A ticket or a reason code: no spaces and no @, so that nobody is described in it."""


class KeyringSeen(BaseModel):
    """How a service stands with the keyring."""

    reachable: bool
    """As this process asked just now."""
    answered_at: datetime | None
    """When it last answered any process of the service."""
    keys_cached: int
    """In the memory of the process that holds most."""


class ServiceStatus(BaseModel):
    """One service at a glance; times are by its own clock. What only workers see is at most some seconds old."""

    service: str
    at: datetime | None = None
    outbox_rows: int
    outbox_refused: int
    outbox_oldest: datetime | None
    parked: int
    work: Mapping[str, int]
    offsets: Mapping[str, int]
    lag: Mapping[str, int] = Field(default_factory=dict[str, int])
    """Records of each topic that are not taken in."""
    keyring: KeyringSeen | None = None
    recovering: str | None = None
    """What it catches up with after its database was restored from a backup; null: it is of today."""
    relay_at: datetime | None = None
    """When the broker last acknowledged an event."""
    broker_at: datetime | None = None
    """When the broker last answered a worker."""
    worker_at: datetime | None = None
    """When a worker last showed that it lives."""


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


class DiscardRequest(BaseModel):
    """Which parked record is given up, and the ticket that says why."""

    model_config = ConfigDict(extra="forbid")

    id: int = Field(ge=1, le=2**63 - 1)
    reason: str = Field(pattern=REFERENCE)


class DiscardAnswer(BaseModel):
    """What is gone, and how many records of its key wait for a replay."""

    record: ParkedRecord
    waiting: int


class WaitingRecord(BaseModel):
    """An event in an outbox, without its content."""

    position: int
    event_id: UUID
    event_type: str
    topic: str
    created_at: datetime
    refused: str | None


class RetryRequest(BaseModel):
    """Which refused row to try again; all of them when it is left out."""

    model_config = ConfigDict(extra="forbid")

    position: int | None = Field(default=None, ge=1, le=2**63 - 1)


class RetryAnswer(BaseModel):
    """How many rows are tried again."""

    retried: int


class WorkLeft(BaseModel):
    """What is left to do because of an event."""

    kind: str
    items: int
    next_due: datetime
    attempts: int


class ServiceTrace(BaseModel):
    """What one service's tables know of an event."""

    service: str
    received_at: datetime | None
    refused: str | None = None
    """Why the guard let no reaction run for it, if so: `erased` or `restricted`."""
    waiting: Sequence[WaitingRecord]
    """The event itself, in this service's outbox."""
    parked: Sequence[ParkedRecord]
    work: Sequence[WorkLeft]
    caused: Sequence[WaitingRecord]
    """What it caused and is not sent yet, as far as the outbox was looked through."""
    reacts_to: Sequence[str] | None
    """Types that have a reaction here; null: every type."""
    offsets: Mapping[str, int]
