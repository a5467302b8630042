"""What the log commits to of an event: a leaf of the tree, in bytes that never change, and that tell nothing of whom.

No subject, no event id, nothing sealed: a commitment under a random 256-bit salt is all that ties it to what was said.
"""

from datetime import UTC, datetime
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
    """One event in the log. `commitment` is as `committed` writes it."""

    type: str
    source: str
    schema: str
    purposes: tuple[PurposeId, ...]
    bases: tuple[LegalBasis, ...]
    hour: datetime
    commitment: str

    def to_bytes(self) -> bytes:
        """One line for each field, in this order, below a header line."""
        values = (
            self.type,
            self.source,
            self.schema,
            " ".join(self.purposes) or _NONE,
            " ".join(self.bases) or _NONE,
            self.hour.astimezone(UTC).isoformat(),
            self.commitment,
        )
        lines = (f"{name} {value}" for name, value in zip(_FIELDS, values, strict=True))
        return "\n".join([_HEADER, *lines, ""]).encode("ascii")


def leaf_of(event_type: str, source: str, hour: datetime, commitment: bytes) -> Leaf:
    """The leaf of an event, with the purposes and legal bases that the contracts know of now."""
    event = EVENT_BY_TYPE.get(event_type)
    category = event.category if event is not None else None
    found = [one for one in PURPOSES.values() if category in one.categories and source in one.services]
    bases = {basis for purpose in found for basis in purpose.bases}
    return Leaf(
        event_type,
        source,
        dataschema(event_type),
        tuple(purpose.id for purpose in found),
        tuple(sorted(bases)),
        hour,
        committed(commitment),
    )


def committed(commitment: bytes) -> str:
    """The commitment in hexadecimal; one that is no HMAC-SHA256 by its hash, so that no producer makes a leaf large."""
    if len(commitment) == _COMMITMENT_BYTES:
        return commitment.hex()
    return f"sha256:{sha256(commitment).hexdigest()}"


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
            commitment,
        )
        same = leaf.to_bytes() == data
    except (ValueError, OverflowError):
        raise BadLeaf("the bytes are no leaf") from None
    if not same:
        raise BadLeaf("the leaf is not in its one form")
    return leaf
