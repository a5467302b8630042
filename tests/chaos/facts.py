"""What the two services of the rig say to each other: numbered facts about people, some sealed, some not.

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
UNSEALED_EVERY: Final = 5
"""Facts that are told by the event without a sealed field, which the sink takes in as batches."""


class Details(PersonalRecord):
    """The sealed fields of a row."""

    occupation: Personal[str, UserInformation]


def occupation_of(sequence: int) -> str:
    return f"occupation {sequence}"


def id_of(sequence: int) -> UUID:
    return UUID(int=sequence)


def sequence_of(number: UUID) -> int:
    return number.int
