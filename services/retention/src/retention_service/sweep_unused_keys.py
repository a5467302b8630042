"""Asks about keys that nothing has told are used: a registration that failed, or was a repeat, leaves some (decision 24).

Silence destroys nothing: Kafka may be away for a day, or a consumer behind. Whoever makes keys is asked, looks in its own
transaction, and lets no later one use what it calls unused; only that answer destroys.
"""

from datetime import timedelta
from typing import Final

from chassis.keys import LOG_KEY
from chassis.logs import get_logger
from chassis.service import Service
from chassis.sql import borrow
from chassis.work import WorkItem
from contracts.rights import KeysUnconfirmed

from retention_service import subject_keys
from retention_service.measures import RetentionMeasures

UNUSED_AFTER: Final = timedelta(hours=24)
ASK_EVERY: Final = timedelta(hours=6)
PART: Final = 500
"""People of one transaction."""
_log = get_logger()


class UnusedKeys:
    """The schedule. Who was asked and has not answered is asked again with the next one."""

    def __init__(self, service: Service, measures: RetentionMeasures) -> None:
        self._service = service
        self._measures = measures

    async def ask(self, _item: WorkItem) -> None:
        """Ask about those that have waited longest; the next time about the next."""
        database, before = self._service.database, self._service.clock.now() - UNUSED_AFTER
        async with borrow(database.pool) as connection:
            people = await subject_keys.people_unconfirmed(connection, before, PART)
        self._measures.show_unconfirmed(len(people))
        if not people:
            return
        async with database.transaction(people, keys=[LOG_KEY]) as tx:
            waiting = await subject_keys.unconfirmed(tx.connection, people, before)
            for subject, names in waiting.items():
                tx.publish(KeysUnconfirmed(subject_id=subject, keys=tuple(names)))
        _log.info("keys.unconfirmed", people=len(waiting))
