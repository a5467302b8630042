"""Holds over HTTP, for officers: placed with a reason and a review date, looked at again, lifted (R5)."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

from chassis.json_bodies import RequestBody
from chassis.keys import LOG_KEY
from chassis.paging import Page, Paging, paging
from chassis.problems import not_found, responses
from chassis.records import open_record
from chassis.service import Service
from chassis.sql import borrow
from contracts.personal import ERASED, Category, Personal, SubjectId
from contracts.privacy import LegalGround
from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, Field, SecretStr, model_validator

from retention_service import holds
from retention_service.holds import PlacedHold
from retention_service.kept_closed import closed
from retention_service.keyring import Keyring
from retention_service.lift_hold import lift_hold, review_hold
from retention_service.officers import officer_of
from retention_service.place_hold import NewHold, Reason, keys_for, place_hold


class WantedHold(RequestBody):
    """What to hold: a category, a holder's table, single records of it, or, in so many words, the whole person."""

    subject_id: UUID
    ground: LegalGround
    reason: SecretStr = Field(min_length=1, max_length=2_000)
    review_on: AwareDatetime
    whole_person: bool = False
    category: Category | None = None
    holder: str | None = Field(default=None, max_length=60)
    table: str | None = Field(default=None, max_length=60)
    records: list[UUID] = Field(default_factory=list[UUID], max_length=1_000)

    @model_validator(mode="after")
    def _says_exactly_what(self) -> "WantedHold":
        limited = self.category is not None or self.holder is not None
        if self.whole_person == limited:
            raise ValueError("name a category, a holder's table or records, or say whole_person")
        if self.table is not None and self.holder is None:
            raise ValueError("a table is of a holder")
        if self.records and self.table is None:
            raise ValueError("records are of a table")
        return self


class NextReview(RequestBody):
    """When it is looked at again: within a year."""

    review_on: AwareDatetime


class HoldView(BaseModel):
    """One hold. `overdue`: nobody has looked at it in time."""

    hold_id: UUID
    subject_id: UUID
    ground: LegalGround
    category: Category | None
    holder: str | None
    table: str | None
    records: list[UUID]
    owner: str
    placed_at: datetime
    review_on: datetime
    reviewed_at: datetime | None
    lifted_at: datetime | None
    lifted_by: str | None
    overdue: bool

    @classmethod
    def of(cls, placed: PlacedHold, now: datetime) -> "HoldView":
        return cls(
            **placed.hold.model_dump(),
            subject_id=placed.subject_id,
            owner=placed.owner,
            placed_at=placed.placed_at,
            reviewed_at=placed.reviewed_at,
            lifted_at=placed.lifted_at,
            lifted_by=placed.lifted_by,
            overdue=placed.lifted_at is None and placed.hold.review_on < now,
        )


class PlacedView(HoldView):
    """A new hold, and the holders that had erased some of what it covers before it came."""

    too_late: list[str]


class HoldWithReason(HoldView):
    """A hold with its reason; null when the person's rights cases are erased."""

    reason: str | None


def hold_routes(service: Service, keyring: Keyring, officers: Collection[str]) -> APIRouter:
    """`GET` and `POST /holds`, `GET /holds/{id}`, `POST /holds/{id}/lift` and `/review`."""
    router = APIRouter(prefix="/holds", tags=["holds"])
    officer = officer_of(officers)

    @router.post("", status_code=201, responses=responses(401, 403, 404, 409, 410, 422, 503))
    async def place(wanted: WantedHold, name: Annotated[str, Depends(officer)]) -> PlacedView:
        """Each request places one more: who lost the answer looks at the list."""
        new = NewHold(
            subject_id=SubjectId(wanted.subject_id),
            category=wanted.category,
            holder=wanted.holder,
            table=wanted.table,
            records=tuple(wanted.records),
            ground=wanted.ground,
            reason=Personal(wanted.reason.get_secret_value()),
            review_on=wanted.review_on,
        )
        with closed():
            async with service.database.transaction([new.subject_id], keys=keys_for(new.subject_id)) as tx:
                made = await place_hold(tx, keyring, new, name)
        shown = HoldView.of(made.placed, service.clock.now())
        return PlacedView(**shown.model_dump(), too_late=list(made.too_late))

    @router.get("", responses=responses(400, 401, 403, 422))
    async def show_all(
        _officer: Annotated[str, Depends(officer)],
        page: Annotated[Paging, Depends(paging)],
        subject_id: UUID | None = None,
        overdue: bool = False,
    ) -> Page[HoldView]:
        """Newest first, lifted ones too; `overdue` shows those in force that nobody has looked at in time."""
        now = service.clock.now()
        async with borrow(service.database.pool) as connection:
            rows = await holds.page(
                connection,
                subject=subject_id,
                overdue_at=now if overdue else None,
                before=cast("tuple[datetime, UUID] | None", page.after),
                limit=page.limit + 1,
            )
        shown = page.page(rows, lambda row: (row.placed_at, row.hold.hold_id))
        return Page(items=[HoldView.of(row, now) for row in shown.items], next=shown.next)

    @router.get("/{hold_id}", responses=responses(401, 403, 404, 422, 503))
    async def show(hold_id: UUID, _officer: Annotated[str, Depends(officer)]) -> HoldWithReason:
        placed = await _find(service, hold_id)
        keys = await service.keys.fetch(keys_for(placed.subject_id))
        reason = open_record(Reason, placed.reason, keys).reason.reveal()
        shown = HoldView.of(placed, service.clock.now())
        return HoldWithReason(**shown.model_dump(), reason=None if reason is ERASED else reason)

    @router.post("/{hold_id}/lift", responses=responses(401, 403, 404, 422, 503))
    async def lift(hold_id: UUID, name: Annotated[str, Depends(officer)]) -> HoldView:
        """What was due goes at once. Safe to repeat."""
        subject = (await _find(service, hold_id)).subject_id
        with closed():
            async with service.database.transaction([subject], keys=[LOG_KEY]) as tx:
                return HoldView.of(await lift_hold(tx, keyring, hold_id, name), tx.now())

    @router.post("/{hold_id}/review", responses=responses(401, 403, 404, 409, 422, 503))
    async def review(hold_id: UUID, after: NextReview, name: Annotated[str, Depends(officer)]) -> HoldView:
        """It stays, and whoever reviewed it answers for it from now on."""
        subject = (await _find(service, hold_id)).subject_id
        async with service.database.transaction([subject], keys=[LOG_KEY]) as tx:
            return HoldView.of(await review_hold(tx, hold_id, name, after.review_on), tx.now())

    return router


async def _find(service: Service, hold_id: UUID) -> PlacedHold:
    async with borrow(service.database.pool) as connection:
        placed = await holds.find(connection, hold_id)
    if placed is None:
        raise not_found("hold")
    return placed
