"""The operator's view of erasures: stages with their times, and what each holder erased. It names nobody."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

from chassis.paging import Page, Paging, paging
from chassis.problems import conflict, not_found, responses
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import OPERATOR, require
from contracts.communication import LastMailOutcome
from contracts.personal import Category
from contracts.profile import DeletionReason
from fastapi import APIRouter, Depends
from pydantic import BaseModel

from retention_service import erasure_holders, erasures, residue_scans
from retention_service.erasure_holders import AskedHolder
from retention_service.erasures import Erasure, Stage
from retention_service.residue_scans import HolderScan
from retention_service.scan_later import scan_now


class HolderPart(BaseModel):
    """One holder's part in an erasure; `rows` is null while it is silent."""

    holder: str
    attempts: int
    asked_at: datetime
    replied_at: datetime | None
    rows: Mapping[str, int] | None


class ScanPart(BaseModel):
    """What one holder found in a look for residue: rows by `table.column`, none when clean, null while it is silent."""

    holder: str
    requested_at: datetime
    attempts: int
    replied_at: datetime | None
    columns: int | None
    found: Mapping[str, int] | None


class OpenErasures(BaseModel):
    """How many erasures stand in a stage, and when the oldest of them was asked for."""

    stage: Stage
    count: int
    oldest: datetime


class ErasureView(BaseModel):
    """One erasure. A stage's time is null until it is reached."""

    erasure_id: UUID
    subject_id: UUID
    reason: DeletionReason
    categories: list[Category]
    stage: Stage
    requested_at: datetime
    due_at: datetime
    answered_at: datetime | None
    fenced_at: datetime | None
    told_at: datetime | None
    mailed_at: datetime | None
    mail_outcome: LastMailOutcome | None
    done_at: datetime | None
    holders: list[HolderPart]
    scans: list[ScanPart]

    @classmethod
    def of(cls, erasure: Erasure, asked: Sequence[AskedHolder], scans: Sequence[HolderScan]) -> "ErasureView":
        return cls(
            erasure_id=erasure.erasure_id,
            subject_id=erasure.subject_id,
            reason=erasure.reason,
            categories=sorted(erasure.categories),
            stage=erasure.stage,
            requested_at=erasure.requested_at,
            due_at=erasure.due_at,
            answered_at=erasure.answered_at,
            fenced_at=erasure.fenced_at,
            told_at=erasure.told_at,
            mailed_at=erasure.mailed_at,
            mail_outcome=erasure.mail_outcome,
            done_at=erasure.done_at,
            holders=[
                HolderPart(
                    holder=one.holder,
                    attempts=one.attempts,
                    asked_at=one.asked_at,
                    replied_at=one.replied_at,
                    rows=one.rows,
                )
                for one in asked
            ],
            scans=[
                ScanPart(
                    holder=one.holder,
                    requested_at=one.requested_at,
                    attempts=one.attempts,
                    replied_at=one.replied_at,
                    columns=one.columns,
                    found=one.found,
                )
                for one in scans
            ],
        )


def erasure_routes(service: Service) -> APIRouter:
    """`GET /erasures`, `/erasures/open` and `/erasures/{erasure_id}`, and `POST …/scans`, for the operator."""
    router = APIRouter(prefix="/erasures", tags=["erasures"], dependencies=[Depends(require(OPERATOR))])

    @router.get("", responses=responses(400, 401, 403, 422))
    async def list_erasures(
        page: Annotated[Paging, Depends(paging)], subject_id: UUID | None = None
    ) -> Page[ErasureView]:
        """Newest first; of one person when their random id is given."""
        before = cast("tuple[datetime, UUID]", page.after) if page.after else None
        async with borrow(service.database.pool) as connection:
            rows = await erasures.page(connection, subject=subject_id, before=before, limit=page.limit + 1)
            asked = await erasure_holders.of_erasures(connection, [row.erasure_id for row in rows])
            scans = await residue_scans.of_erasures(connection, [row.erasure_id for row in rows])
        shown = page.page(rows, lambda row: (row.requested_at, row.erasure_id))
        views = [
            ErasureView.of(row, asked.get(row.erasure_id, []), scans.get(row.erasure_id, [])) for row in shown.items
        ]
        return Page(items=views, next=shown.next)

    @router.get("/open", responses=responses(401, 403))
    async def count_open_erasures() -> list[OpenErasures]:
        """Those that are not done, by stage."""
        async with borrow(service.database.pool) as connection:
            counts = await erasures.count_open(connection)
        return [OpenErasures(stage=one.stage, count=one.count, oldest=one.oldest) for one in counts]

    @router.get("/{erasure_id}", responses=responses(401, 403, 404, 422))
    async def show_erasure(erasure_id: UUID) -> ErasureView:
        async with borrow(service.database.pool) as connection:
            erasure = await erasures.find(connection, erasure_id)
            if erasure is None:
                raise not_found("erasure")
            asked = await erasure_holders.of_erasure(connection, erasure_id)
            scans = await residue_scans.of_erasures(connection, [erasure_id])
            return ErasureView.of(erasure, asked, scans.get(erasure_id, []))

    @router.post("/{erasure_id}/scans", status_code=202, responses=responses(401, 403, 404, 409, 422))
    async def scan_for_residue(erasure_id: UUID) -> None:
        """Have every holder look now for what this erasure left behind, as they do after 7 and 30 days."""
        async with borrow(service.database.pool) as connection:
            erasure = await erasures.find(connection, erasure_id)
        if erasure is None:
            raise not_found("erasure")
        if erasure.stage is not Stage.DONE:
            raise conflict("erasure-open", "The erasure is not done: holders look when it is.")
        async with service.database.transaction([erasure.subject_id], keys=()) as tx:
            scan_now(tx, erasure)

    return router
