"""What became known after an erasure was done: later looks for residue. Each makes a new edition of its receipt."""

from collections.abc import Collection, Sequence
from uuid import UUID

from chassis.sql import Connection
from contracts.receipt_files import ScanPart
from contracts.receipts import day

from retention_service import holders, residue_scans
from retention_service.residue_scans import HolderScan


async def scans_of(connection: Connection, erasure_id: UUID) -> Sequence[ScanPart]:
    """The scans that every holder but retired ones has answered, or that found something, oldest first."""
    retired = await holders.retired(connection)
    by_nonce: dict[str, list[HolderScan]] = {}
    for one in (await residue_scans.of_erasures(connection, [erasure_id])).get(erasure_id, []):
        by_nonce.setdefault(one.nonce, []).append(one)
    return [part for scans in by_nonce.values() if (part := _part(scans, retired)) is not None]


def _part(scans: Sequence[HolderScan], retired: Collection[str]) -> ScanPart | None:
    answered = [one.replied_at for one in scans if one.replied_at is not None]
    awaited = [one for one in scans if one.replied_at is None and one.holder not in retired]
    found = sum(sum((one.found or {}).values()) for one in scans)
    if not answered or (awaited and not found):
        return None
    return ScanPart(
        scanned_on=day(max(answered)),
        holders=len(answered),
        columns=sum(one.columns or 0 for one in scans),
        found=found,
    )
