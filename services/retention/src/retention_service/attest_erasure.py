"""Attests a done erasure: the digest of its receipt's body goes to the public log, once for each thing that it says."""

from collections.abc import Awaitable, Callable
from datetime import UTC
from typing import Final
from uuid import UUID

from chassis.logs import get_logger
from chassis.transaction import Transaction
from chassis.work import WorkItem
from contracts.log_leaf import leaf_bytes
from contracts.personal import SubjectId
from contracts.receipt_files import ISSUER, ReceiptBody
from contracts.receipts import ErasureAttested

from retention_service import erasures, receipts
from retention_service.ask_holders import Asking
from retention_service.build_receipt import build_receipt
from retention_service.destruction import Destruction
from retention_service.erasures import Stage
from retention_service.prove_receipt import ask_for_proof
from retention_service.receipts import Attested

ATTEST_ERASURE: Final = "attest_erasure"
_log = get_logger()


def ask_to_attest(tx: Transaction, erasure_id: UUID, subject: SubjectId) -> None:
    """Have the receipt built, or built anew with what is known by now; asking twice does it once."""
    tx.enqueue(ATTEST_ERASURE, str(erasure_id), subject=subject)


def attest_erasure(asking: Asking, destruction: Destruction) -> Callable[[WorkItem, Transaction], Awaitable[None]]:
    """The step. While anything is missing it fails with what is, and is tried again; an unchanged receipt is left."""

    async def attest_erasure(item: WorkItem, tx: Transaction) -> None:
        erasure = await erasures.find(tx.connection, UUID(item.key))
        if erasure is None or erasure.stage is not Stage.DONE or erasure.receipt_name is None:
            return  # it goes on, and asks again when it is done; or it began before receipts were there
        last = await receipts.newest(tx.connection, erasure.receipt_name)
        edition = last.edition + 1 if last is not None else 1
        body = await build_receipt(tx.connection, erasure, edition, asking=asking, destruction=destruction)
        await erasures.forget_receipt_number(tx.connection, erasure.erasure_id)
        if last is not None and _same(last, body):
            return
        attested = _attest(tx, body)
        await receipts.insert(tx.connection, attested)
        ask_for_proof(tx, attested)
        _log.info("erasure.attested", edition=edition, holders=len(body.holders))

    return attest_erasure


def _attest(tx: Transaction, body: ReceiptBody) -> Attested:
    opening = tx.opening(tx.publish(ErasureAttested(receipt=body.receipt, digest=body.digest())))
    hour = opening.time.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return Attested(
        body.receipt,
        body.edition,
        body=body.canonical().decode(),
        payload=opening.body,
        salt=opening.salt,
        leaf=leaf_bytes(ErasureAttested.type, ISSUER, hour, opening.commitment).decode(),
        attested_at=tx.now(),
        proof=None,
    )


def _same(last: Attested, body: ReceiptBody) -> bool:
    return body.model_copy(update={"edition": last.edition}).canonical().decode() == last.body
