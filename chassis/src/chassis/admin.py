"""The operator's routes of every service: what waits, lags and is parked, and replay. They show no personal data."""

from typing import Annotated

from fastapi import APIRouter, Depends

from chassis import offsets, outbox, parked, work
from chassis.admin_answers import ParkedRecord, ReplayAnswer, ReplayedKey, ReplayRequest, ServiceStatus
from chassis.paging import Page, Paging, paging
from chassis.parked import ParkedRow
from chassis.problems import responses
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import OPERATOR, require


def admin_routes(service: Service) -> APIRouter:
    """`/admin/status`, `/admin/parked`, `/admin/parked/replay`; for tokens of the operator."""
    router = APIRouter(prefix="/admin", tags=["operator"], dependencies=[Depends(require(OPERATOR))])

    @router.get("/status", responses=responses(401, 403))
    async def status() -> ServiceStatus:
        async with borrow(service.database.pool) as connection:
            depth = await outbox.depth(connection)
            return ServiceStatus(
                service=service.name,
                outbox_rows=depth.rows,
                outbox_refused=depth.refused,
                outbox_oldest=depth.oldest,
                parked=await parked.count(connection),
                work=await work.depth(connection),
                offsets={
                    f"{topic}/{partition}": n for (topic, partition), n in (await offsets.all_of(connection)).items()
                },
            )

    @router.get("/parked", responses=responses(400, 401, 403))
    async def list_parked(page: Annotated[Paging, Depends(paging)]) -> Page[ParkedRecord]:
        after = page.after[0] if page.after else 0
        async with borrow(service.database.pool) as connection:
            rows = await parked.page(connection, int(str(after)), page.limit + 1)
        return page.page([_shown(row) for row in rows], lambda row: (row.id,))

    @router.post("/parked/replay", responses=responses(401, 403, 422))
    async def replay(wanted: ReplayRequest) -> ReplayAnswer:
        async with borrow(service.database.pool) as connection:
            keys = await parked.keys_with_events(connection)
        chosen = [(t, k) for t, k in keys if wanted.topic in (None, t) and wanted.key in (None, k)]
        answer: list[ReplayedKey] = []
        for topic, key in chosen:
            outcome = await service.replayer.replay(topic, key)
            answer.append(ReplayedKey(topic=topic, key=key, done=outcome.done, stopped_by=outcome.stopped_by))
        return ReplayAnswer(keys=answer)

    return router


def _shown(row: ParkedRow) -> ParkedRecord:
    return ParkedRecord(
        id=row.id,
        topic=row.topic,
        partition=row.partition,
        offset=row.offset,
        key=row.key,
        event_id=row.event_id,
        event_type=row.event_type,
        reason=row.reason,
        parked_at=row.parked_at,
    )
