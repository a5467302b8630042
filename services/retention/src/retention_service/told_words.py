"""Knows how the last mail names a recipient and what became of the notice to it, in Norwegian."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final
from uuid import UUID

from retention_service.notices import Notice, NoticeState
from retention_service.recipients import Recipient

MOST_NAMED: Final = 2_000
"""More would not fit into an event; the account shows all."""
_WORDS: Final = MappingProxyType(
    {
        NoticeState.WAITING: "får beskjed",
        NoticeState.CHASED: "er kanskje ikke nådd ennå, vi prøver igjen",
        NoticeState.TOLD: "har fått beskjed",
        NoticeState.ACKNOWLEDGED: "har bekreftet",
        NoticeState.UNRESPONSIVE: "svarer ikke",
    }
)


def told_words(told: Sequence[Notice], known: Mapping[UUID, Recipient]) -> tuple[str, ...]:
    """One line for each."""
    lines = [f"{_name(known.get(one.recipient_id))}: {_WORDS[one.state]}" for one in told[:MOST_NAMED]]
    rest = len(told) - len(lines)
    return tuple([*lines, f"og {rest} til"] if rest else lines)


def _name(recipient: Recipient | None) -> str:
    return "en mottaker som ikke har oppgitt navnet sitt" if recipient is None else recipient.name[:200]
