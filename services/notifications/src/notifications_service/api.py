"""The HTTP edge of notifications: what was sent to me."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis.paging import Page, Paging, paging
from chassis.records import open_record
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import Caller, Role, require
from contracts.communication import MessageKind
from contracts.personal import ERASED, SubjectId
from fastapi import APIRouter, Depends
from pydantic import BaseModel

from chassis import problems
from notifications_service import mails
from notifications_service.mails import Mail, MailRow

JOB_SEEKER = Role("job_seeker")


class Message(BaseModel):
    """A mail that was sent to the caller."""

    message_id: UUID
    kind: MessageKind
    sent_at: datetime
    address: str
    subject_line: str
    text: str


def routes(service: Service) -> APIRouter:
    router = APIRouter()

    @router.get("/me/messages", responses=problems.responses(400, 401, 403, 503))
    async def sent_to_me(
        caller: Annotated[Caller, Depends(require(JOB_SEEKER))], asked: Annotated[Paging, Depends(paging)]
    ) -> Page[Message]:
        """Every mail that was sent to you and is still kept, newest first."""
        subject = SubjectId(UUID(caller.subject))
        before = asked.after[0] if asked.after is not None else None
        keys = await service.keys.fetch(service.keys.names_for([subject]))
        async with borrow(service.database.pool) as connection:
            rows = await mails.sent_to(
                connection, subject, before=before if isinstance(before, UUID) else None, limit=asked.limit + 1
            )
        page = asked.page(rows, lambda row: (row.mail_id,))
        shown = [_shown(row, open_record(Mail, row.mail, keys)) for row in page.items]
        return Page(items=[message for message in shown if message is not None], next=page.next)

    return router


def _shown(row: MailRow, mail: Mail) -> Message | None:
    address, subject_line, text = mail.address.reveal(), mail.subject_line.reveal(), mail.text.reveal()
    if address is ERASED or subject_line is ERASED or text is ERASED or row.ended_at is None:
        return None
    return Message(
        message_id=row.mail_id,
        kind=row.kind,
        sent_at=row.ended_at,
        address=address,
        subject_line=subject_line,
        text=text,
    )
