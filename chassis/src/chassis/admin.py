"""The operator's routes of every service: what waits, lags and is parked, and replay. They show no personal data."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from chassis import offsets, outbox, parked, work
from chassis.paging import Page, Paging, paging
from chassis.parked import ParkedRow
from chassis.problems import responses
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import OPERATOR, require


class Status(BaseModel):
    """One service at a glance."""

    service: str
    outbox_rows: int
    outbox_refused: int
    outbox_oldest: datetime | None
    parked: int
    work: Mapping[str, int]
    offsets: Mapping[str, int]


class ParkedRecord(BaseModel):
    """A parked record without its content."""

    id: int
    topic: str
    partition: int
    offset: int
    key: str | None
    event_id: UUID | None
    event_type: str | None
    reason: str
    parked_at: datetime

    @classmethod
    def of(cls, row: ParkedRow) -> "ParkedRecord":
        return cls(
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


class ReplayRequest(BaseModel):
    """What to replay: one topic and key, or everything when both are left out."""

    model_config = ConfigDict(extra="forbid")

    topic: str | None = Field(default=None, max_length=200)
    key: str | None = Field(default=None, max_length=200)


class ReplayedKey(BaseModel):
    topic: str
    key: str
    done: int
    stopped_by: str | None


class ReplayAnswer(BaseModel):
    keys: list[ReplayedKey]


def admin_routes(service: Service) -> APIRouter:
    """`/admin/status`, `/admin/parked`, `/admin/parked/replay`; for tokens of the operator."""
    router = APIRouter(prefix="/admin", tags=["operator"], dependencies=[Depends(require(OPERATOR))])

    @router.get("/status", responses=responses(401, 403))
    async def status() -> Status:
        async with borrow(service.database.pool) as connection:
            depth = await outbox.depth(connection)
            return Status(
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
        return page.page([ParkedRecord.of(row) for row in rows], lambda row: (row.id,))

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
