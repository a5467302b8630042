"""Copies of people's data over HTTP: an officer puts one aside, whoever has its link fetches it once (A2, trap 21)."""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Collection
from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis.json_bodies import RequestBody
from chassis.keys import LOG_KEY
from chassis.problems import invalid, responses
from chassis.rate_limit import limited
from chassis.service import Service
from contracts.personal import SubjectId
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, SecretStr
from starlette.responses import Response

from retention_service.collect_export import collect_export
from retention_service.kept_closed import closed
from retention_service.keyring import Keyring
from retention_service.officers import officer_of
from retention_service.open_export import open_export


class NewExport(RequestBody):
    """A copy that was put together, as base64: at most what a body may hold."""

    subject_id: UUID
    archive: SecretStr = Field(min_length=4)


class OpenedExport(BaseModel):
    """Where the person fetches it, until when. The token is shown here only."""

    export_id: UUID
    token: str
    expires_at: datetime


class Link(RequestBody):
    """The token, in the body: no log of any proxy has it."""

    token: SecretStr = Field(min_length=1, max_length=100)


def export_routes(service: Service, keyring: Keyring, officers: Collection[str]) -> APIRouter:
    """`POST /exports` for officers, `POST /exports/collect` for who has the link."""
    router = APIRouter(prefix="/exports", tags=["exports"])

    @router.post("", status_code=201, responses=responses(401, 403, 404, 409, 422, 503))
    async def put_aside(wanted: NewExport, officer: Annotated[str, Depends(officer_of(officers))]) -> OpenedExport:
        """Each request makes one more: an answer that was lost is asked for anew, and the other expires."""
        try:
            archive = b64decode(wanted.archive.get_secret_value(), validate=True)
        except (NotBase64, ValueError):
            raise invalid("/body/archive", "is not base64") from None
        subject = SubjectId(wanted.subject_id)
        with closed():
            async with service.database.transaction([subject], keys=[LOG_KEY]) as tx:
                opened = await open_export(tx, keyring, subject, archive, officer)
        return OpenedExport(export_id=opened.export_id, token=opened.token, expires_at=opened.expires_at)

    @router.post(
        "/collect",
        response_class=Response,
        responses=responses(404, 422, 429, 503),
        dependencies=[Depends(limited("exports", "30/minute"))],
    )
    async def collect(link: Link) -> Response:
        """The archive, once."""
        with closed():
            archive = await collect_export(service, keyring, link.token.get_secret_value())
        headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="your-data"'}
        return Response(archive, media_type="application/octet-stream", headers=headers)

    return router
