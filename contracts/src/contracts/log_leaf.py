"""What the log commits to of an event: a leaf of the tree, in bytes that never change, and that tell nothing of whom.

No subject, no event id, nothing sealed: a commitment under a random 256-bit salt is all that ties it to what was said.
"""

from binascii import hexlify
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

from contracts.envelope import dataschema
from contracts.purposes import PURPOSES, LegalBasis, PurposeId
from contracts.registry import EVENT_BY_TYPE

_HEADER: Final = "tillit-leaf/1"
_NONE: Final = "-"
_FIELDS: Final = ("type", "source", "schema", "purposes", "bases", "hour", "commitment")
_COMMITMENT_BYTES: Final = 32


class BadLeaf(ValueError):
    """The bytes are not a leaf of ours, or not in the one form that there is."""


class Leaf(NamedTuple):
    """One event in the log. `commitment` is as `commitment_bytes` has it."""

    type: str
    source: str
    schema: str
    purposes: tuple[PurposeId, ...]
    bases: tuple[LegalBasis, ...]
    hour: datetime
    commitment: bytes

    def to_bytes(self) -> bytes:
        """One line for each field, in this order, below a header line."""
        return _but_commitment(*self[:-1]) + self.commitment.hex().encode() + b"\n"


def leaf_bytes(event_type: str, source: str, hour: datetime, commitment: bytes) -> bytes:
    """The bytes of `leaf_of`."""
    return leaves_alike(event_type, source, hour, [commitment_bytes(commitment)])[0]


def leaves_alike(event_type: str, source: str, hour: datetime, commitments: Iterable[bytes]) -> list[bytes]:
    """The bytes of `leaf_of` for each, in a twentieth of the time: those of one type and hour differ by nothing else.

    Args:
        commitments: each as `commitment_bytes` has it.
    """
    beginning = _beginning(event_type, source, hour)
    return [beginning + hexlify(commitment) + b"\n" for commitment in commitments]


@lru_cache(maxsize=1000)
def _beginning(event_type: str, source: str, hour: datetime) -> bytes:
    return _but_commitment(*leaf_of(event_type, source, hour, b"")[:-1])


def _but_commitment(
    event_type: str,
    source: str,
    schema: str,
    purposes: tuple[PurposeId, ...],
    bases: tuple[LegalBasis, ...],
    hour: datetime,
) -> bytes:
    """A leaf up to what is its own."""
    values = (
        event_type,
        source,
        schema,
        " ".join(purposes) or _NONE,
        " ".join(bases) or _NONE,
        hour.astimezone(UTC).isoformat(),
        "",
    )
    lines = (f"{name} {value}" for name, value in zip(_FIELDS, values, strict=True))
    return "\n".join([_HEADER, *lines]).encode("ascii")


def leaf_of(event_type: str, source: str, hour: datetime, commitment: bytes) -> Leaf:
    """The leaf of an event, with the purposes and legal bases that the contracts know of now."""
    purposes, bases = _why(event_type, source)
    return Leaf(event_type, source, dataschema(event_type), purposes, bases, hour, commitment_bytes(commitment))


@lru_cache(maxsize=1000)
def _why(event_type: str, source: str) -> tuple[tuple[PurposeId, ...], tuple[LegalBasis, ...]]:
    """What this service may process data of the event's category for, and on which grounds; nothing is known of others."""
    event = EVENT_BY_TYPE.get(event_type)
    if event is None or event.category is None:
        return (), ()
    found = [one for one in PURPOSES.values() if event.category in one.categories and source in one.services]
    return tuple(one.id for one in found), tuple(sorted({basis for one in found for basis in one.bases}))


def commitment_bytes(commitment: bytes) -> bytes:
    """An HMAC-SHA256 as it is; what is none by its hash, so that no producer makes a leaf large."""
    return commitment if len(commitment) == _COMMITMENT_BYTES else sha256(commitment).digest()


def read_leaf(data: bytes) -> Leaf:
    """The leaf that these bytes are.

    Raises:
        BadLeaf: they are none.
    """
    try:
        lines = data.decode("ascii").split("\n")
        values = [line.partition(" ")[2] for line in lines[1:-1]]
        type_, source, schema, purposes, bases, hour, commitment = values
        leaf = Leaf(
            type_,
            source,
            schema,
            tuple(PurposeId(one) for one in purposes.split(" ") if one != _NONE),
            tuple(LegalBasis(one) for one in bases.split(" ") if one != _NONE),
            datetime.fromisoformat(hour),
            bytes.fromhex(commitment),
        )
        same = leaf.to_bytes() == data
    except (ValueError, OverflowError):
        raise BadLeaf("the bytes are no leaf") from None
    if not same:
        raise BadLeaf("the leaf is not in its one form")
    return leaf
