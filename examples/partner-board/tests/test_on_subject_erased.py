"""Who was forgotten is counted by day, and named nowhere."""

from datetime import timedelta
from uuid import uuid4

from chassis.service import Service
from chassis.sql import borrow
from chassis.testing import MovedClock, deliver
from contracts.personal import Category, SubjectId
from contracts.privacy import SubjectErased
from contracts.topics import ERASURE
from partner_board_service import departures


async def test_people_are_counted_on_the_day_they_were_forgotten(board: Service, clock: MovedClock) -> None:
    for _ in range(3):
        gone = SubjectErased(subject_id=SubjectId(uuid4()), categories=frozenset({Category.USER_INFORMATION}))
        await deliver(board, ERASURE, [gone])
        clock.advance(timedelta(hours=12))
    async with borrow(board.database.pool) as connection:
        rows = await connection.fetch("SELECT people FROM departures ORDER BY day")
        assert [row["people"] for row in rows] == [2, 1]
        assert await departures.total(connection) == 3


async def test_the_tombstone_that_every_service_leaves_stands_too(board: Service) -> None:
    gone = SubjectId(uuid4())
    categories = frozenset({Category.USER_INFORMATION})
    await deliver(board, ERASURE, [SubjectErased(subject_id=gone, categories=categories)])
    async with board.database.transaction([gone], keys=()) as tx:
        assert tx.state(gone).erased == categories
