"""A person's keys are destroyed everywhere: one more was forgotten. Whom it was is not kept."""

from chassis.transaction import Transaction
from contracts.privacy import SubjectErased

from partner_board_service import departures


async def on_subject_erased(_event: SubjectErased, tx: Transaction) -> None:
    await departures.add(tx.connection, tx.now().date())
