"""Knows the stages of an erasure, in their order."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Stage(StrEnum):
    """Where an erasure stands."""

    DELIVERING = "delivering"
    """A copy of their data waits for the person: nothing is erased before it was fetched, for 7 days at most."""
    ASKING = "asking"
    """Holders erase and answer; a silent one is asked again."""
    FENCING = "fencing"
    """All have answered; each must still read past what was on the topics then."""
    TELLING = "telling"
    """Recipients of disclosed data are told (GDPR Art. 19)."""
    MAILING = "mailing"
    """The person is told, for the last time."""
    DESTROYING = "destroying"
    """Nothing that any holder will read opens anything new: the keys may go."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class StageCount:
    """How many erasures stand in a stage, and since when the oldest was requested."""

    stage: Stage
    count: int
    oldest: datetime
