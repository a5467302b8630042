"""What employers say of positions. About no person: contact persons stay in the profile service (trap 26)."""

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime

from contracts.event import Event
from contracts.topics import POSITION


class ClosingReason(StrEnum):
    WITHDRAWN = "withdrawn"
    FILLED = "filled"
    EXPIRED = "expired"


class PositionPublished(Event, topic=POSITION, key="position_id"):
    """An employer advertised a position: people who asked for such positions are told (P4)."""

    position_id: UUID
    employer_id: UUID
    employer_name: str
    title: str
    occupation: str
    place: str
    published_at: AwareDatetime
    expires_at: AwareDatetime | None = None


class PositionClosed(Event, topic=POSITION, key="position_id"):
    """A position is no longer open: nobody else is told of it."""

    position_id: UUID
    reason: ClosingReason
    closed_at: AwareDatetime
