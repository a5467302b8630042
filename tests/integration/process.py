"""The reader as a process of its own, with an errand that takes its time: `python -m tests.integration.process ROLE`."""

import asyncio
from typing import Final

from chassis.process import run
from chassis.reactions import Mode
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.work import WorkItem
from chassis.work_loop import cause_of, finish
from contracts.personal import Category, SubjectId
from contracts.purposes import PurposeId

from tests.integration.reader import Reader

SLOW: Final = "slow"


def build(settings: ServiceSettings) -> Service:
    service = Reader().build(settings)

    async def slowly(item: WorkItem) -> None:
        """Takes as many seconds as its key says, then writes that it is done."""
        seconds = int(item.key)
        subject = item.subject_id or SubjectId(item.correlation_id)
        await asyncio.sleep(seconds)
        async with service.database.transaction([subject], cause=cause_of(item)) as tx:
            await finish(item, tx)
            await tx.execute("INSERT INTO done (subject_id, number) VALUES ($1, $2)", subject, seconds)

    service.errand(SLOW, slowly, mode=Mode.STORE, purpose=PurposeId.P4, category=Category.USER_INFORMATION)
    return service


if __name__ == "__main__":
    run(build, ServiceSettings)
