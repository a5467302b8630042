"""The receipt of an erasure: what each holder states under its number, and the digest that the public log commits to.

Nothing here names a person: a statement says which asking for which categories it answers, how many rows of which category
one holder erased or keeps under a hold, and on which day (UTC).
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from pydantic import AwareDatetime

from contracts.event import Event
from contracts.personal import Personal, RightsCase, SubjectId
from contracts.privacy import HeldRecords, PersonalDataErased
from contracts.topics import ERASURE

_STATEMENT: Final = b"tillit erasure statement v1\n"
_NAME: Final = b"tillit receipt name v1\n"


def name_of(number: str) -> str:
    """The name of the receipt whose link ends in this number: base64url SHA-256, unpadded.

    Holders sign the name and the log commits to it; who knows no more than the name can't fetch the receipt.
    """
    return urlsafe_b64encode(sha256(_NAME + number.encode()).digest()).decode().rstrip("=")


def statement_bytes(receipt: str, reply: PersonalDataErased) -> bytes:
    """What a holder signs for the receipt: canonical JSON (keys sorted, no spaces) under a domain line.

    Args:
        receipt: the receipt's name, from `ErasureRequested.receipt`.
        reply: the answer; the person, the erasure and the nonce in it are left out.
    """
    return signed_statement(receipt, statement(reply))


def signed_statement(receipt: str, statement: Mapping[str, object]) -> bytes:
    """The same from the words that stand in the receipt, as a verifier has them."""
    return _STATEMENT + canonical({"receipt": receipt, **statement})


def statement(reply: PersonalDataErased) -> dict[str, object]:
    """What of an answer stands in the receipt."""
    return {
        "holder": reply.holder,
        "asking": reply.asking,
        "categories": [str(category) for category in reply.categories],
        "rows": {str(category): count for category, count in reply.rows_by_category.items()},
        "held": [_held(one) for one in reply.held],
        "erased_on": day(reply.erased_at),
    }


def day(moment: datetime) -> str:
    """The day in UTC, as `2026-01-31`: all that a receipt says of a time."""
    return moment.astimezone(UTC).date().isoformat()


def canonical(value: object) -> bytes:
    """JSON with sorted keys, no spaces, and nothing escaped that need not be: the same bytes in every implementation."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _held(one: HeldRecords) -> dict[str, object]:
    return {
        "category": str(one.category),
        "ground": str(one.ground),
        "review_on": day(one.review_on),
        "records": one.records,
    }


class ErasureAttested(Event, topic=ERASURE, key="receipt"):
    """An erasure is complete: the hexadecimal SHA-256 of its receipt's body, for the public log. It names nobody."""

    receipt: str
    digest: str


class LastMailRequested(Event, topic=ERASURE, privacy_protocol=True):
    """Everybody who must erase has erased: tell the person, once, and forget the address (A4)."""

    subject_id: SubjectId
    erasure_id: UUID
    give_up_at: AwareDatetime
    link: Personal[str, RightsCase]
    recipients: Personal[tuple[str, ...], RightsCase]
