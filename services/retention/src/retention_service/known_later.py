"""What became known after an erasure was done: later looks for residue. Each makes a new edition of its receipt."""

from collections.abc import Sequence
from uuid import UUID

from chassis.sql import Connection
from contracts.receipt_files import ScanPart
from contracts.receipts import day

from retention_service import residue_scans
from retention_service.residue_scans import HolderScan


async def scans_of(connection: Connection, erasure_id: UUID) -> Sequence[ScanPart]:
    """The scans that every holder has answered, or that found something, oldest first; others are not known yet."""
    by_nonce: dict[str, list[HolderScan]] = {}
    for one in (await residue_scans.of_erasures(connection, [erasure_id])).get(erasure_id, []):
        by_nonce.setdefault(one.nonce, []).append(one)
    return [part for scans in by_nonce.values() if (part := _part(scans)) is not None]


def _part(scans: Sequence[HolderScan]) -> ScanPart | None:
    answered = [one.replied_at for one in scans if one.replied_at is not None]
    found = sum(sum((one.found or {}).values()) for one in scans)
    if len(answered) < len(scans) and not found:
        return None
    return ScanPart(
        scanned_on=day(max(answered)),
        holders=len(answered),
        columns=sum(one.columns or 0 for one in scans),
        found=found,
    )
