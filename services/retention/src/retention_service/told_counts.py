"""How many who had received data of a person were told of the erasure (GDPR Art. 19). Nobody is named."""

from collections import Counter
from uuid import UUID

from chassis.sql import Connection
from contracts.receipt_files import RecipientCounts

from retention_service import notices
from retention_service.notices import NoticeState


async def told_counts(connection: Connection, erasure_id: UUID) -> RecipientCounts:
    """As it stands when the receipt is made: who answers later is seen in the register, not in the receipt."""
    states = Counter(notice.state for notice in await notices.of_occasion(connection, erasure_id))
    acknowledged = states[NoticeState.ACKNOWLEDGED]
    told = states[NoticeState.TOLD] + acknowledged
    return RecipientCounts(told=told, acknowledged=acknowledged, unresponsive=states.total() - told)
