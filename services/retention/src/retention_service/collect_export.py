"""Hands a copy out, once, or lets it expire: either way its key is destroyed, and an erasure that waited for it goes on."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from chassis.keys import LOG_KEY, KeyName
from chassis.logs import get_logger
from chassis.problems import not_found
from chassis.sealing import unseal
from chassis.service import Service
from chassis.sql import borrow
from chassis.transaction import Transaction
from chassis.work import WorkItem
from contracts.personal import SubjectId
from contracts.rights import ExportClosed, ExportEnd
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis import work
from retention_service import exports, subject_keys
from retention_service.deliver_first import export_ended
from retention_service.destroyed_ledger import Destroyed
from retention_service.exports import Export
from retention_service.keyring import Keyring
from retention_service.open_export import EXPIRE_EXPORT, digest_of, key_of

_log = get_logger()


async def collect_export(service: Service, keyring: Keyring, token: str) -> bytes:
    """The archive in the clear; whoever comes again, or after the time, finds nothing.

    Raises:
        Problem: 404, the link leads to nothing (any more).
        BadKeks, BadLedger: keys can't be used now; the link stays good.
    """
    async with borrow(service.database.pool) as connection:
        found = await exports.whose(connection, digest_of(token))
    if found is None:
        raise _nothing()
    export_id, subject = found
    async with service.database.transaction([subject], keys=[LOG_KEY]) as tx:
        export = await exports.find_open(tx.connection, export_id)
        if export is None or export.expires_at <= tx.now():
            raise _nothing()
        name = key_of(subject, export_id)
        row = (await subject_keys.find(tx.connection, [name])).get(name)
        if row is None or row.wrapped is None:
            raise _nothing()
        key = keyring.store.knowing({row.wrapped.epoch}).unwrap(*name, row.wrapped)
        archive = unseal(AESGCM(key), export.archive)
        await _close(tx, keyring, export, ExportEnd.DELIVERED)
    return archive


def expire_export(keyring: Keyring) -> Callable[[WorkItem, Transaction], Awaitable[None]]:
    """The step that ends what nobody fetched."""

    async def expire_export(item: WorkItem, tx: Transaction) -> None:
        export = await exports.find_open(tx.connection, UUID(item.key))
        if export is not None:
            await _close(tx, keyring, export, ExportEnd.EXPIRED)

    return expire_export


async def end_copies(tx: Transaction, subject: SubjectId) -> list[KeyName]:
    """Let every copy of a person expire that still waits, as their keys are destroyed; whose keys must go too is told.

    An erasure waits for no copy that was opened after it was requested, and none may outlive it.
    """
    ended = await exports.open_of(tx.connection, subject)
    for export_id in ended:
        await _end(tx, subject, export_id, ExportEnd.EXPIRED)
    return [key_of(subject, export_id) for export_id in ended]


async def _close(tx: Transaction, keyring: Keyring, export: Export, end: ExportEnd) -> None:
    await _end(tx, export.subject_id, export.export_id, end)
    await export_ended(tx, export.subject_id)
    name = key_of(export.subject_id, export.export_id)
    await keyring.destruction.destroy(tx.connection, [Destroyed(name, tx.now())])


async def _end(tx: Transaction, subject: SubjectId, export_id: UUID, end: ExportEnd) -> None:
    await exports.close(tx.connection, export_id, end, tx.now())
    await work.cancel(tx.connection, EXPIRE_EXPORT, str(export_id))
    tx.publish(ExportClosed(subject_id=subject, export_id=export_id, end=end, closed_at=tx.now()))
    _log.info("export.closed", end=end)


def _nothing() -> Exception:
    return not_found("copy")
