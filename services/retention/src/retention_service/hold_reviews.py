"""Tells which holds nobody has looked at in time. They are never lifted by themselves: somebody decides (trap 48)."""

from datetime import timedelta
from typing import Final

from chassis.logs import get_logger
from chassis.service import Service
from chassis.sql import borrow
from chassis.work import WorkItem

from retention_service import holds
from retention_service.measures import RetentionMeasures

LOOK_FOR_OVERDUE: Final = timedelta(minutes=15)
_log = get_logger()


class HoldReviews:
    """The schedule."""

    def __init__(self, service: Service, measures: RetentionMeasures) -> None:
        self._service = service
        self._measures = measures

    async def look(self, _item: WorkItem) -> None:
        """Measure, and say it aloud until every review that is due was made."""
        async with borrow(self._service.database.pool) as connection:
            in_force, overdue = await holds.count(connection, self._service.clock.now())
        self._measures.show_holds(in_force, overdue)
        if overdue:
            _log.error("holds.review_overdue", holds=overdue)
