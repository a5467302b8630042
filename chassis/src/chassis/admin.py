"""The operator's routes of every service: what waits, lags and is parked, one event's traces, and what may be done
about it. They show no personal data."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from chassis import inbox, offsets, outbox, parked, work
from chassis.admin_answers import (
    DiscardAnswer,
    DiscardRequest,
    ParkedRecord,
    ReplayAnswer,
    ReplayedKey,
    ReplayRequest,
    RetryAnswer,
    RetryRequest,
    ServiceStatus,
    ServiceTrace,
    WaitingRecord,
    WorkLeft,
)
from chassis.admin_status import status_of
from chassis.commands import refused_in_recovery
from chassis.discard import discard
from chassis.logs import get_logger
from chassis.outbox import WaitingEvent
from chassis.paging import Page, Paging, paging
from chassis.parked import ParkedRow
from chassis.problems import responses
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import OPERATOR, Caller, require

_log = get_logger()


def admin_routes(service: Service) -> APIRouter:
    """Everything under `/admin`; for tokens of the operator."""
    router = APIRouter(prefix="/admin", tags=["operator"], dependencies=[Depends(require(OPERATOR))])

    @router.get("/status", responses=responses(401, 403))
    async def status() -> ServiceStatus:
        return await status_of(service)

    @router.get("/trace/{event_id}", responses=responses(401, 403, 422))
    async def trace(event_id: UUID) -> ServiceTrace:
        """What this service's tables know of one event; of one that it never met, nothing."""
        async with borrow(service.database.pool) as connection:
            stand = await offsets.all_of(connection)
            taken_in = await inbox.find(connection, event_id)
            return ServiceTrace(
                service=service.name,
                received_at=taken_in.at if taken_in is not None else None,
                refused=taken_in.refused if taken_in is not None else None,
                waiting=[_waiting(row) for row in await outbox.find(connection, event_id)],
                parked=[_shown(row) for row in await parked.of_event(connection, event_id)],
                work=[
                    WorkLeft.model_validate(left, from_attributes=True)
                    for left in await work.caused_by(connection, event_id)
                ],
                caused=[_waiting(row) for row in await outbox.caused_by(connection, event_id)],
                reacts_to=None if service.takes_every_record else sorted(event.type for event in service.reactions),
                offsets={f"{topic}/{partition}": n for (topic, partition), n in stand.items()},
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

    @router.post("/parked/discard", responses=responses(401, 403, 404, 409, 422))
    async def give_up(wanted: DiscardRequest, caller: Annotated[Caller, Depends(require(OPERATOR))]) -> DiscardAnswer:
        """Delete one parked record that will never run. Its ticket and who asked are logged."""
        gone = await discard(service.database, service.metrics, wanted.id, reason=wanted.reason, caller=caller.subject)
        return DiscardAnswer(record=_shown(gone.row), waiting=gone.waiting)

    @router.get("/outbox/refused", responses=responses(400, 401, 403))
    async def list_refused(page: Annotated[Paging, Depends(paging)]) -> Page[WaitingRecord]:
        """Events that the broker will not take as they are; later ones of their keys wait behind them."""
        after = page.after[0] if page.after else 0
        async with borrow(service.database.pool) as connection:
            rows = await outbox.refused_rows(connection, int(str(after)), page.limit + 1)
        return page.page([_waiting(row) for row in rows], lambda row: (row.position,))

    @router.post("/outbox/retry", responses=responses(401, 403, 422))
    async def retry(wanted: RetryRequest, caller: Annotated[Caller, Depends(require(OPERATOR))]) -> RetryAnswer:
        """Have the relay try refused events again, once what the broker takes was changed."""
        async with borrow(service.database.pool) as connection:
            retried = await outbox.retry(connection, wanted.position)
        service.wakeups.wake([outbox.CHANNEL])
        _log.warning("outbox.retried", rows=retried, caller=caller.subject)
        return RetryAnswer(retried=retried)

    return refused_in_recovery(service.database, router)


def _shown(row: ParkedRow) -> ParkedRecord:
    return ParkedRecord.model_validate(row, from_attributes=True)


def _waiting(row: WaitingEvent) -> WaitingRecord:
    return WaitingRecord.model_validate(row, from_attributes=True)
