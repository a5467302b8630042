"""The table `sightings`: what a service's processes saw last of their surroundings, so that any of them can tell it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chassis.sql import Connection


class What(StrEnum):
    """What is looked at."""

    WORKER = "worker"
    """A worker lives."""
    BROKER = "broker"
    """The broker answered."""
    RELAY = "relay"
    """The broker acknowledged an event of this service."""
    KEYRING = "keyring"
    """The keyring answered; the value is how many keys are in memory."""
    END = "end"
    """Where a partition ended; the place is `topic/partition`."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One thing, as it was seen last."""

    what: What
    seen_at: datetime
    place: str = ""
    value: int | None = None


async def remember(connection: Connection, sightings: Sequence[Sighting]) -> None:
    """Keep these; what another process saw later stays."""
    ordered = sorted(sightings, key=lambda sighting: (sighting.what, sighting.place))
    await connection.execute(
        "INSERT INTO sightings (what, place, value, seen_at) SELECT what, place, value, seen_at"
        " FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[]) AS s(what, place, value, seen_at)"
        " ON CONFLICT (what, place) DO UPDATE SET value = excluded.value, seen_at = excluded.seen_at"
        " WHERE sightings.seen_at < excluded.seen_at",
        [sighting.what for sighting in ordered],
        [sighting.place for sighting in ordered],
        [sighting.value for sighting in ordered],
        [sighting.seen_at for sighting in ordered],
    )


async def all_of(connection: Connection) -> list[Sighting]:
    rows = await connection.fetch("SELECT what, seen_at, place, value FROM sightings ORDER BY what, place")
    return [Sighting(What(row["what"]), row["seen_at"], row["place"], row["value"]) for row in rows]
