"""Knows which position should reach whom, and how fast it did."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from tillit_cli.caught_mail import JobAlert
from tillit_cli.import_fields import normalised
from tillit_cli.import_positions import PublishedPosting
from tillit_cli.job_posting import JobPosting
from tillit_cli.json_resume import JobInterest


@dataclass(frozen=True, slots=True)
class Reader:
    """A person who asked to be told of positions."""

    address: str
    interests: Sequence[JobInterest]

    def __repr__(self) -> str:
        return "Reader(…)"

    def wants(self, posting: JobPosting) -> bool:
        place = normalised(posting.place)
        return any(
            normalised(interest.occupation) == normalised(posting.occupation)
            and (interest.place is None or normalised(interest.place) == place)
            for interest in self.interests
        )


@dataclass(frozen=True, slots=True)
class Reached:
    """One position's reach."""

    position: PublishedPosting
    expected: frozenset[str]
    alerts: tuple[JobAlert, ...]

    @property
    def seconds(self) -> list[float]:
        """From asking to publish it until each mail was accepted."""
        return [(alert.accepted_at - self.position.asked_at).total_seconds() for alert in self.alerts]

    @property
    def missing(self) -> frozenset[str]:
        return self.expected - {alert.address for alert in self.alerts}

    @property
    def wrong(self) -> int:
        """Mails to people who did not ask for it, and second ones to somebody who did."""
        return len(self.alerts) - len(self.expected & {alert.address for alert in self.alerts})


def reach_of(
    positions: Iterable[PublishedPosting], readers: Sequence[Reader], alerts: Iterable[JobAlert]
) -> list[Reached]:
    """What each position should have reached, and what it did. Of mails to anybody else (a system has other people) or
    about other positions nothing is known here: they are left out."""
    known = {reader.address for reader in readers}
    arrived: dict[UUID, list[JobAlert]] = {}
    for alert in alerts:
        if alert.address not in known:
            continue
        arrived.setdefault(alert.position_id, []).append(alert)
    return [
        Reached(
            position,
            frozenset(reader.address for reader in readers if reader.wants(position.posting)),
            tuple(arrived.get(position.position_id, ())),
        )
        for position in positions
    ]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(len(ordered) * share * 1000) // 1000) - 1)]
