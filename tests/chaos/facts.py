"""What the two services of the rig say to each other: numbered facts about people, some sealed, some not, some poison.

The number stands in `interest_id` (and in `message_id` on the way back), so that both kinds of fact carry it; a sealed
field repeats it, which proves that sealing, keys and opening came through too.
"""

from typing import Final
from uuid import UUID

from contracts.personal import Personal, PersonalRecord, UserInformation

ERRAND: Final = "errand"
ECHO: Final = "echo"
ERRAND_EVERY: Final = 3
"""The sink does an errand (work outside a transaction) for each fact whose number this divides."""
ECHO_EVERY: Final = 4
"""The sink takes a step (work in a transaction) that publishes an echo for each fact whose number this divides."""
REPLY_EVERY: Final = 2
"""The sink's reaction itself publishes a reply to each fact whose number this divides; replies keep the facts' order."""
REPLY_BASE: Final = 1_000_000_000
"""What a reply's number is above its fact's, to tell it from an echo."""
UNSEALED_EVERY: Final = 5
"""Facts that are told by the event without a sealed field, which the sink takes in as batches."""


_POISONED_PEOPLE: Final = 8
_POISON: Final = (7, (2, 5))
"""Facts whose number leaves these rests are poison, about one in so many people: single events and batched ones."""


class Poisoned(Exception):
    """What the sink raises on poison: the fact is parked, and what comes after it of its person waits behind it."""


class Details(PersonalRecord):
    """The sealed fields of a row."""

    occupation: Personal[str, UserInformation]


def occupation_of(sequence: int) -> str:
    return f"occupation {sequence}"


def id_of(sequence: int) -> UUID:
    return UUID(int=sequence)


def sequence_of(number: UUID) -> int:
    return number.int


def is_poison(subject: UUID, sequence: int) -> bool:
    """Whether the sink can't take this fact in until it is cured."""
    return subject.int % _POISONED_PEOPLE == 0 and sequence % _POISON[0] in _POISON[1]
