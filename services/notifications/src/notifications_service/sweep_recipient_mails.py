"""Drops mails to organisations once nobody asks for them again: retention gives a notice up after five weeks."""

from datetime import timedelta
from typing import Final

from chassis.logs import get_logger
from chassis.service import Service
from chassis.work import WorkItem
from chassis.work_loop import renew

from notifications_service import recipient_mails

SWEEP_EVERY: Final = timedelta(hours=1)
KEPT: Final = timedelta(days=90)
"""Longer than any mail is asked for again, or its request replayed: one that is forgotten sooner would go out twice."""
_PART: Final = 1_000
_log = get_logger()


class RecipientMailSweep:
    """The schedule `recipient_mail_sweep`."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def run(self, item: WorkItem) -> None:
        """Delete them part by part."""
        forgotten, part = 0, _PART
        while part == _PART:
            async with self._service.database.transaction(keys=()) as tx:
                await renew(item, tx)
                part = await recipient_mails.forget(tx.connection, tx.now() - KEPT, _PART)
            forgotten += part
        if forgotten:
            _log.info("recipient_mails.forgotten", mails=forgotten)
