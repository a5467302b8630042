"""Fetches the proof that the public log has a receipt's attestation, checks it as anybody would, and keeps it.

Only then the receipt is handed out: it is checked whole, with the public keys alone, before.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from chassis.jwks import JwksFile, Keys
from chassis.logs import get_logger
from chassis.service import Service
from chassis.sql import borrow
from chassis.transaction import Transaction
from chassis.work import WorkItem
from chassis.work_loop import cause_of, finish
from contracts.log_leaf import read_leaf
from contracts.notes import to_text
from contracts.receipt_files import BadReceipt, OpenedEvent, Receipt, ReceiptBody, check_receipt
from contracts.receipt_keys import ReceiptKeys

from retention_service import receipts
from retention_service.holder_keys import raw_keys
from retention_service.public_log import LogTrust, NotLogged, PublicLog, is_signed
from retention_service.receipts import Attested
from retention_service.settings import RetentionSettings

PROVE_RECEIPT: Final = "prove_receipt"
_SOON: Final = timedelta(seconds=1)
_LONGEST: Final = timedelta(minutes=15)
_ALARM_AFTER: Final = timedelta(minutes=15)
_log = get_logger()


def ask_for_proof(tx: Transaction, attested: Attested) -> None:
    """Have the proof of this edition fetched, when the log can have it."""
    tx.enqueue(PROVE_RECEIPT, f"{attested.name} {attested.edition}", due_at=tx.now() + _SOON)


def receipt_of(attested: Attested, proof: str) -> Receipt:
    """The file that the bearer gets."""
    return Receipt(
        body=ReceiptBody.model_validate_json(attested.body),
        event=OpenedEvent(payload=attested.payload.decode(), salt=to_text(attested.salt)),
        leaf=attested.leaf,
        proof=proof,
    )


class ReceiptProver:
    """The errand. Until the log has the proof it comes again, with growing delays; it alarms after 15 minutes."""

    def __init__(self, service: Service, log: PublicLog | None, trust: LogTrust | None, holders: Keys) -> None:
        self._service = service
        self._log = log
        self._trust = trust
        self._holders = holders

    @classmethod
    def told_by(cls, service: Service, settings: RetentionSettings) -> "ReceiptProver":
        log = PublicLog(str(settings.log_url)) if settings.log_url is not None else None
        return cls(service, log, LogTrust.of(settings), JwksFile(settings.service_jwks_file))

    async def run(self, item: WorkItem) -> None:
        name, _, edition = item.key.partition(" ")
        async with borrow(self._service.database.pool) as connection:
            attested = await receipts.find(connection, name, int(edition))
        if attested is None or attested.proof is not None:
            return
        try:
            proof = await self._proof_of(attested)
        except NotLogged as error:
            await self._come_again(item, attested, str(error))
            return
        async with self._service.database.transaction(keys=(), cause=cause_of(item)) as tx:
            await finish(item, tx)
            await receipts.prove(tx.connection, attested.name, attested.edition, proof, tx.now())
        _log.info("receipt.proven", edition=attested.edition)

    async def _proof_of(self, attested: Attested) -> str:
        """The proof, with which the whole receipt holds.

        Raises:
            NotLogged: there is none that does.
        """
        if self._log is None or self._trust is None:
            raise NotLogged("no log is named: set TILLIT_LOG_URL and TILLIT_LOG_KEY")
        proof = await self._log.proof_of(read_leaf(attested.leaf.encode()))
        try:
            receipt = receipt_of(attested, proof.decode())
            check_receipt(receipt.to_bytes(), self._keys(receipt.body, self._trust), is_signed)
        except (BadReceipt, UnicodeDecodeError) as error:
            raise NotLogged(f"the log's proof does not hold yet: {error}") from None
        return receipt.proof

    def _keys(self, body: ReceiptBody, trust: LogTrust) -> ReceiptKeys:
        names: Sequence[str] = [part.holder for part in body.holders]
        return ReceiptKeys(trust.log, trust.witnesses, raw_keys(self._holders, names))

    async def _come_again(self, item: WorkItem, attested: Attested, why: str) -> None:
        async with self._service.database.transaction(keys=(), cause=cause_of(item)) as tx:
            age = tx.now() - attested.attested_at
            await finish(item, tx)
            tx.enqueue(PROVE_RECEIPT, item.key, due_at=_next_try(tx.now(), age))
        say = _log.error if age > _ALARM_AFTER else _log.info
        say("receipt.not_proven_yet", edition=attested.edition, why=why)


def _next_try(now: datetime, age: timedelta) -> datetime:
    """As long again as it has waited."""
    return now + min(max(age, _SOON), _LONGEST)
