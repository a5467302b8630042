"""Where the rig's processes and wires stand: numbers that a plan can name before anything runs."""

from typing import Final

SERVICES: Final = 2
"""The source, then the sink."""
SOURCE: Final = 0
SINK: Final = 1
PLACES: Final = 3
"""Processes that a service may have at most."""
BASE: Final = 2
"""Processes that a service has unless a fault takes some away; the others join for a while."""
PROCESSES: Final = SERVICES * PLACES
SERVERS: Final = ("broker", "database", "keyring")
"""What each process has a wire to."""


def places_of(service: int) -> range:
    """The indexes of a service's processes."""
    return range(service * PLACES, (service + 1) * PLACES)


def base_place(number: int) -> int:
    """The index of the n-th process among those that normally run, the source's first."""
    return (number // BASE) * PLACES + number % BASE
