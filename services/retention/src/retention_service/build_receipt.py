"""Puts a receipt's body together from what is known, or says what is missing: none is made while anything is.

It names nobody: a name that only its bearer can find, holders of ours, categories, counts and days.
"""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from chassis.holder_replies import is_signature
from chassis.jwks import Keys
from chassis.logs import SafeError
from chassis.scoped_keys import scope_of
from chassis.sql import Connection
from contracts.receipt_files import HolderPart, ReceiptBody, RetiredPart, Unreadable
from contracts.receipts import day, signed_statement
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from retention_service import erasure_holders, fences, holders, subject_keys
from retention_service.ask_holders import Asking
from retention_service.destruction import Destruction
from retention_service.erasures import Erasure, Stage
from retention_service.known_later import scans_of
from retention_service.told_counts import told_counts

BACKUPS_UNREADABLE_AFTER: Final = timedelta(days=8)
"""A backup of the keyring opens nothing once the key-encryption key was replaced, weekly, and its backup proved (R8)."""


class Incomplete(SafeError):
    """Something of the erasure is not known to be done: there is no receipt. The text says what, and names nobody."""


async def build_receipt(
    connection: Connection, erasure: Erasure, edition: int, *, asking: Asking, destruction: Destruction
) -> ReceiptBody:
    """The body of this edition.

    Args:
        erasure: one that has a receipt's name.
        edition: counted from 1; a later one says what became known since.
        asking: who must have answered, and whose answers are believed.
        destruction: the ledger of destroyed keys.

    Raises:
        Incomplete: an answer, the fence or the destruction of a key is missing.
        BadLedger: the ledger can't be read.
    """
    if erasure.stage is not Stage.DONE or erasure.done_at is None or erasure.fenced_at is None:
        raise Incomplete("the erasure is not done")
    name = erasure.receipt_name or ""
    retired = await _retired(connection, erasure, asking)
    stated = await _holders(connection, erasure, name, edition, asking, {part.holder for part in retired})
    await _refuse_without_fence(connection, erasure)
    await _refuse_living_keys(connection, erasure, destruction)
    return ReceiptBody(
        receipt=name,
        edition=edition,
        policy=erasure.policy or "",
        categories=tuple(sorted(erasure.categories)),
        requested_on=day(erasure.requested_at),
        done_on=day(erasure.done_at),
        fence_passed_on=day(erasure.fenced_at),
        unreadable=Unreadable(
            live_since=day(erasure.done_at), backups_by=day(erasure.done_at + BACKUPS_UNREADABLE_AFTER)
        ),
        holders=tuple(stated),
        recipients=await told_counts(connection, erasure.erasure_id),
        scans=tuple(await scans_of(connection, erasure.erasure_id)),
        retired=tuple(retired),
    )


async def _retired(connection: Connection, erasure: Erasure, asking: Asking) -> list[RetiredPart]:
    """Holders that were gone before the erasure was done, and have not answered it: asked in vain, or not at all."""
    asked = await erasure_holders.of_erasure(connection, erasure.erasure_id)
    answered = {one.holder for one in asked if one.replied_at is not None}
    return [
        RetiredPart(holder=holder, retired_on=day(at))
        for holder, at in sorted((await holders.retired(connection)).items())
        if holder not in answered | asking.required and erasure.done_at is not None and at <= erasure.done_at
    ]


async def _holders(
    connection: Connection, erasure: Erasure, name: str, edition: int, asking: Asking, retired: Collection[str]
) -> list[HolderPart]:
    """What everybody states who was asked, by name, oldest first, an answer to each asking.

    Each signature is checked again, as whoever reads the receipt does.
    """
    asked = await erasure_holders.of_erasure(connection, erasure.erasure_id)
    silent = {one.holder for one in asked if one.replied_at is None and one.holder not in retired}
    # Who became required after the erasure was attested was asked for nothing in it.
    required = asking.required if edition == 1 else frozenset[str]()
    missing = required - {one.holder for one in asked} | silent
    if missing:
        raise Incomplete(f"no answer of {', '.join(sorted(missing))}")
    parts: list[HolderPart] = []
    unsigned: set[str] = set()
    for one in sorted(asked, key=lambda one: one.holder):
        stated = [*one.former, *([] if one.holder in retired else [one.statement])]
        if not all(_is_signed(part, one.holder, name, asking.trusted) for part in stated):
            unsigned.add(one.holder)
        parts += [part for part in stated if part is not None]
    if unsigned:
        raise Incomplete(f"no statement that is signed by {', '.join(sorted(unsigned))}")
    return parts


def _is_signed(part: HolderPart | None, holder: str, name: str, trusted: Keys) -> bool:
    key = trusted.find(holder)
    if part is None or part.holder != holder or key is None or not isinstance(key.public_key, Ed25519PublicKey):
        return False
    message = signed_statement(name, part.model_dump(mode="json", exclude={"signature"}))
    return is_signature(part.signature, message, key.public_key)


async def _refuse_without_fence(connection: Connection, erasure: Erasure) -> None:
    if erasure.fence_id is None or not await fences.is_passed(connection, erasure.fence_id):
        raise Incomplete("not every holder is known to have read past the fence")


async def _refuse_living_keys(connection: Connection, erasure: Erasure, destruction: Destruction) -> None:
    """Every key of the erased categories, and of single things in them, is gone here and written down as destroyed."""
    rows = {row.name: row for row in await subject_keys.of_subject(connection, erasure.subject_id)}
    found = [key for key in rows if scope_of(key.category) in erasure.categories]
    living = [key for key in found if rows[key].wrapped is not None]
    never = erasure.categories - {key.category for key in found}
    if living or never:
        raise Incomplete(f"{len(living) + len(never)} keys are not destroyed")
    if not await asyncio.to_thread(destruction.ledger.holds, found):
        raise Incomplete("the ledger does not have every destroyed key")
