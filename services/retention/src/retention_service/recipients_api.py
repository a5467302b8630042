"""Who received data of a person, and whether each was told what became of it: for the person, officers, and recipients."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Final, cast
from uuid import UUID

from chassis.json_bodies import RequestBody
from chassis.jwks import jwks
from chassis.keys import KeyName
from chassis.paging import Page, Paging, paging
from chassis.problems import invalid, responses
from chassis.rate_limit import limited
from chassis.records import open_record
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import Caller, Role, Signer, require
from contracts.disclosure import RecipientKind
from contracts.personal import ERASED, Category, SubjectId
from contracts.rights import NoticeKind
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.responses import Response

from retention_service import disclosures, notices, recipients
from retention_service.acknowledge_notice import acknowledge_notice
from retention_service.disclosures import Disclosed, Disclosure
from retention_service.notices import Notice, NoticeState
from retention_service.officers import officer_of
from retention_service.recipients import Recipient

_PEOPLE: Final = (Role("job_seeker"), Role("employer"))


class NoticeView(BaseModel):
    """One time that they were told of something."""

    kind: NoticeKind
    state: NoticeState
    told_at: datetime | None
    acknowledged_at: datetime | None


class RecipientView(BaseModel):
    """Who received what, when and why, and what they were told of since. The name is null until they registered."""

    disclosure_id: UUID
    recipient_id: UUID
    name: str | None
    kind: RecipientKind | None
    category: Category
    fields: list[str] | None
    why: str | None
    disclosed_at: datetime
    notices: list[NoticeView]


class Acknowledgement(RequestBody):
    """That a recipient acted on a notice, at `acted_at` (ISO 8601 with an offset), signed by its acknowledgement key."""

    acted_at: str = Field(min_length=20, max_length=40)
    signature: str = Field(min_length=80, max_length=100)


def recipient_routes(service: Service, officers: Collection[str]) -> APIRouter:
    """`GET /me/recipients`, `GET /recipients`, `POST /notices/{notice_id}/acknowledgement`, and the key that signs."""
    router = APIRouter(tags=["recipients"])
    signer = Signer(service.name, service.settings.service_key(), service.clock)

    @router.get("/me/recipients", responses=responses(400, 401, 403, 422, 503))
    async def my_recipients(
        caller: Annotated[Caller, Depends(require(*_PEOPLE))], page: Annotated[Paging, Depends(paging)]
    ) -> Page[RecipientView]:
        """Everybody who received data of you, newest first (Art. 15(1)(c))."""
        return await _register(service, SubjectId(UUID(caller.subject)), page)

    @router.get("/recipients", responses=responses(400, 401, 403, 422, 503))
    async def recipients_of(
        subject_id: UUID,
        _officer: Annotated[str, Depends(officer_of(officers))],
        page: Annotated[Paging, Depends(paging)],
    ) -> Page[RecipientView]:
        return await _register(service, SubjectId(subject_id), page)

    @router.post(
        "/notices/{notice_id}/acknowledgement",
        status_code=204,
        responses=responses(403, 404, 422, 429),
        dependencies=[Depends(limited("acknowledgements", "600/minute"))],
    )
    async def acknowledge(notice_id: UUID, answer: Acknowledgement) -> Response:
        """A recipient says that it acted on what it was told."""
        try:
            offset = datetime.fromisoformat(answer.acted_at).tzinfo
        except ValueError:
            offset = None
        if offset is None:
            raise invalid("/body/acted_at", "is no time with an offset")
        await acknowledge_notice(service, notice_id, answer.acted_at, answer.signature)
        return Response(status_code=204)

    @router.get("/.well-known/jwks.json")
    async def notice_key() -> Response:
        """The key that signs what recipients are told."""
        return Response(jwks([signer.jwk()]), media_type="application/json")

    return router


async def _register(service: Service, subject: SubjectId, page: Paging) -> Page[RecipientView]:
    keys = await service.keys.fetch([KeyName(subject, Category.RIGHTS_CASE)])
    before = cast("tuple[datetime, UUID]", page.after) if page.after else None
    async with borrow(service.database.pool) as connection:
        rows = await disclosures.page(connection, subject, before=before, limit=page.limit + 1)
        told = await notices.of_subject(connection, subject)
        known = await recipients.find(connection, {row.recipient_id for row in rows})
    shown = page.page(rows, lambda row: (row.disclosed_at, row.disclosure_id))
    views = [
        _view(row, open_record(Disclosed, row.what, keys), known.get(row.recipient_id), told) for row in shown.items
    ]
    return Page(items=views, next=shown.next)


def _view(row: Disclosure, what: Disclosed, recipient: Recipient | None, told: Sequence[Notice]) -> RecipientView:
    fields, why = what.fields.reveal(), what.why.reveal()
    return RecipientView(
        disclosure_id=row.disclosure_id,
        recipient_id=row.recipient_id,
        name=None if recipient is None else recipient.name,
        kind=None if recipient is None else recipient.kind,
        category=row.data_category,
        fields=None if fields is ERASED else list(fields),
        why=None if why is ERASED else why,
        disclosed_at=row.disclosed_at,
        notices=[
            NoticeView(kind=one.kind, state=one.state, told_at=one.told_at, acknowledged_at=one.acknowledged_at)
            for one in told
            if row.reference in one.references
        ],
    )
