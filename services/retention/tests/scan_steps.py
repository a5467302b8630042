"""What the tests of residue scans do: erase somebody, come to the day of a scan, and answer as holders do."""

from datetime import timedelta
from uuid import UUID

from chassis.holder_replies import sign_reply
from contracts.privacy import ResidueScanned, ResidueScanRequested

from .rig import HOLDERS, Rig

WEEK = timedelta(days=7)


async def scans_asked(rig: Rig) -> list[ResidueScanRequested]:
    """Every request of a scan, oldest first."""
    return [one for one in await rig.published(ResidueScanRequested) if isinstance(one, ResidueScanRequested)]


async def asked_after(rig: Rig, subject: UUID, wait: timedelta = WEEK) -> ResidueScanRequested:
    """Erase a person, and come to the day of a scan; the answer is what holders are asked."""
    await rig.erase(subject)
    rig.clock.advance(wait)
    await rig.work("scan_later")
    return (await scans_asked(rig))[-1]


def scanned(
    rig: Rig, request: ResidueScanRequested, holder: str, found: dict[str, int] | None = None, signed_by: str = ""
) -> ResidueScanned:
    """A holder's answer, signed."""
    answer = ResidueScanned(
        subject_id=request.subject_id,
        erasure_id=request.erasure_id,
        nonce=request.nonce,
        holder=holder,
        columns=99,
        found=found or {},
        scanned_at=rig.clock.now(),
        signature="",
    )
    return sign_reply(answer, rig.identities.keys[signed_by or holder])


async def all_clean(rig: Rig, request: ResidueScanRequested) -> None:
    """Every holder has looked and found nothing."""
    for holder in HOLDERS:
        await rig.deliver(scanned(rig, request, holder))
