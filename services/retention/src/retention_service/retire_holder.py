"""Two officers give a holder up for gone: it is asked no more, and nothing is ever taken for its answer."""

from chassis.logs import get_logger
from chassis.problems import conflict, not_found
from chassis.transaction import Transaction

from chassis import work
from retention_service import erasure_holders, holder_retirements, holders, residue_scans
from retention_service.ask_holders import ASK_AGAIN, Asking
from retention_service.officers import first_word
from retention_service.scan_later import SCAN_AGAIN

_log = get_logger()


async def retire_holder(tx: Transaction, holder: str, reason: str, officer: str, asking: Asking) -> bool:
    """Whether it is retired now; False when another officer must agree too.

    The first one's word holds for seven days. What waited for the holder goes on at once. Its name does not come back:
    who holds data again registers under another.

    Raises:
        Problem: 404 when nobody of this name has registered; 409 when every erasure must have its answer, it is retired
            already, or the same officer speaks twice.
    """
    if holder not in {one.holder for one in await holders.ever_registered(tx.connection)}:
        raise not_found("holder")
    if holder in asking.required:
        raise conflict("holder-required", "TILLIT_REQUIRED_HOLDERS names it: no erasure is done without its answer.")
    known = (await holder_retirements.all_of_them(tx.connection)).get(holder)
    if known is not None and known.retired_at is not None:
        raise conflict("holder-retired", "This holder is retired already.")
    agreed = None if known is None else first_word(known.first_officer, known.first_at, tx.now())
    if agreed is None:
        await holder_retirements.propose(tx.connection, holder, reason, officer, tx.now())
        _log.warning("holder.retirement_proposed", holder=holder, officer=officer)
        return False
    if agreed == officer:
        raise conflict("another-officer-is-needed", "You have agreed already: another officer must agree too.")
    await holder_retirements.agree(tx.connection, holder, reason, officer, tx.now())
    await holders.retire(tx.connection, holder, tx.now())
    waiting = await erasure_holders.waiting_for(tx.connection, holder)
    scans = await residue_scans.waiting_for(tx.connection, holder)
    await work.bring_forward(tx.connection, ASK_AGAIN, [str(erasure_id) for erasure_id in waiting], tx.now())
    await work.bring_forward(tx.connection, SCAN_AGAIN, [f"{one} {nonce}" for one, nonce in scans], tx.now())
    _log.critical("holder.retired", holder=holder, officer=officer, erasures=len(waiting), scans=len(scans))
    return True
