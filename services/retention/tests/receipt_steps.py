"""From a person's deletion to the receipt's file, step by step, as tests of the receipt go through it."""

from datetime import timedelta
from uuid import UUID

import httpx
from chassis.jwks import JwksFile
from chassis.sql import borrow
from contracts.profile import DeletionReason
from contracts.receipt_files import ReceiptBody
from contracts.receipt_keys import ReceiptKeys
from contracts.receipts import name_of
from retention_service import erasures, receipts
from retention_service.ask_holders import Asking
from retention_service.attest_erasure import ATTEST_ERASURE
from retention_service.build_receipt import build_receipt
from retention_service.erasures import Erasure
from retention_service.holder_keys import raw_keys
from retention_service.keyring import Keyring
from retention_service.prove_receipt import PROVE_RECEIPT
from retention_service.receipts import Attested

from chassis import tls

from .rig import HOLDERS, Rig
from .small_log import SmallLog


async def begin(rig: Rig, subject: UUID, reason: DeletionReason = DeletionReason.TERMINATED) -> str:
    """The person leaves; the answer is the number of the receipt's link."""
    await rig.make(subject)
    await rig.delete(subject, reason)
    async with borrow(rig.service.database.pool) as connection:
        number = await connection.fetchval(
            "SELECT receipt FROM erasures WHERE subject_id = $1 AND stage <> 'done'", subject
        )
    return str(number)


async def end(rig: Rig, subject: UUID) -> None:
    """All holders answer, the fence is passed, the keys are destroyed."""
    await rig.answer((await rig.requests())[-1])
    await rig.without_fence(subject)


async def attested(rig: Rig, subject: UUID) -> tuple[str, Attested]:
    """The number of the link, and what is attested of the erasure."""
    number = await begin(rig, subject)
    await end(rig, subject)
    await rig.work(ATTEST_ERASURE)
    return number, await newest(rig, number)


async def proven(rig: Rig, log: SmallLog, subject: UUID) -> str:
    """The number of a link that serves the receipt."""
    number, last = await attested(rig, subject)
    log.append(last.leaf)
    await prove(rig)
    return number


async def prove(rig: Rig) -> None:
    rig.clock.advance(timedelta(seconds=2))
    await rig.work(PROVE_RECEIPT)


async def newest(rig: Rig, number: str) -> Attested:
    async with borrow(rig.service.database.pool) as connection:
        found = await receipts.newest(connection, name_of(number))
    assert found is not None
    return found


async def erasure_of(rig: Rig, number: str) -> Erasure:
    async with borrow(rig.service.database.pool) as connection:
        found = await erasures.with_receipt(connection, name_of(number))
    assert found is not None
    return found


async def body_of(rig: Rig, number: str) -> ReceiptBody:
    """What the receipt would say now.

    Raises:
        Incomplete: something is missing.
    """
    erasure, destruction = await erasure_of(rig, number), Keyring.told_by(rig.settings).destruction
    async with borrow(rig.service.database.pool) as connection:
        return await build_receipt(connection, erasure, 1, asking=Asking.told_by(rig.settings), destruction=destruction)


async def change(rig: Rig, statement: str, *arguments: object) -> None:
    """What somebody does who can write to the database."""
    async with borrow(rig.service.database.pool) as connection:
        await connection.execute(statement, *arguments)


async def fetch(rig: Rig, number: str, **headers: str) -> httpx.Response:
    """As the bearer of the link does: without any token."""
    async with httpx.AsyncClient(base_url=rig.url, verify=tls.trusted()) as client:
        return await client.get(f"/receipts/{number}", headers=headers)


def keys_of(rig: Rig, log: SmallLog) -> ReceiptKeys:
    """Whom a stranger believes."""
    return ReceiptKeys(log.key, [log.witness], raw_keys(JwksFile(rig.settings.service_jwks_file), HOLDERS))
