"""How many who had received data of a person were told of the erasure (GDPR Art. 19). Nobody is named."""

from uuid import UUID

from chassis.sql import Connection
from contracts.receipt_files import RecipientCounts


async def told_counts(_connection: Connection, _erasure_id: UUID) -> RecipientCounts:
    """Nobody receives data yet: the register of disclosures is not there."""
    return RecipientCounts(told=0, acknowledged=0, unresponsive=0)
