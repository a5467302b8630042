"""An employer advertised a position: everybody who asked for such positions gets work of their own to be told of it.

Each person is then told under their own lock (`send_job_alert`), however many they are.
"""

from chassis.transaction import Transaction
from contracts.position import PositionPublished

from notifications_service import interest_search, positions
from notifications_service.compared import compared
from notifications_service.positions import Position
from notifications_service.send_job_alert import JobAlert


async def on_position_published(event: PositionPublished, tx: Transaction) -> None:
    position = Position(
        event.position_id,
        title=event.title,
        employer_name=event.employer_name,
        place=event.place,
        compared_occupation=compared(event.occupation),
        compared_place=compared(event.place),
        published_at=event.published_at,
        expires_at=event.expires_at,
    )
    if not await positions.add(tx.connection, position):
        return
    for subject in await interest_search.people_interested(
        tx.connection, position.compared_occupation, position.compared_place
    ):
        JobAlert(position.position_id, subject).enqueue(tx)
