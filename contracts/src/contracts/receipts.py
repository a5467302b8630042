"""The receipt of an erasure: what each holder states under its number, and the digest that the public log commits to.

Nothing here names a person: a statement says how many rows of which category one holder erased or keeps under a hold.
"""

import json
from typing import Final
from uuid import UUID

from pydantic import AwareDatetime

from contracts.event import Event
from contracts.personal import Personal, RightsCase, SubjectId
from contracts.privacy import HeldRecords, PersonalDataErased
from contracts.topics import ERASURE

_STATEMENT: Final = b"tillit erasure statement v1\n"


def statement_bytes(receipt: str, reply: PersonalDataErased) -> bytes:
    """What a holder signs for the receipt: canonical JSON (keys sorted, no spaces) under a domain line.

    Args:
        receipt: the receipt's number, from `ErasureRequested.receipt`.
        reply: the answer; the person, the erasure and the nonce in it are left out.
    """
    statement = {
        "receipt": receipt,
        "holder": reply.holder,
        "rows": {str(category): count for category, count in reply.rows_by_category.items()},
        "held": [_held(one) for one in reply.held],
        "erased_at": reply.erased_at.isoformat(),
    }
    return _STATEMENT + canonical(statement)


def canonical(value: object) -> bytes:
    """JSON with sorted keys, no spaces, and nothing escaped that need not be: the same bytes in every implementation."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _held(one: HeldRecords) -> dict[str, object]:
    return {
        "category": str(one.category),
        "ground": str(one.ground),
        "review_on": one.review_on.isoformat(),
        "records": one.records,
    }


class ErasureAttested(Event, topic=ERASURE, key="receipt"):
    """An erasure is complete: the SHA-256 of its receipt's body, for the public log. It concerns nobody that it names."""

    receipt: str
    digest: str


class LastMailRequested(Event, topic=ERASURE, privacy_protocol=True):
    """Everybody who must erase has erased: tell the person, once, and forget the address (A4)."""

    subject_id: SubjectId
    erasure_id: UUID
    give_up_at: AwareDatetime
    link: Personal[str, RightsCase]
    recipients: Personal[tuple[str, ...], RightsCase]
