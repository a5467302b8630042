"""The HTTP edge of the audit log, for operators: what happened, in order, and what it said as it was sealed."""

from base64 import b64encode
from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis.paging import Page, Paging, paging
from chassis.problems import not_found
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import OPERATOR, require
from contracts.personal import Category
from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel

from audit_log_service import contents, entries, leaves
from audit_log_service.contents import Content
from audit_log_service.entries import Entry
from chassis import problems

_LAST_POSITION = 2**63 - 1


class EntryShown(BaseModel):
    """That something happened. Bytes are base64."""

    position: int
    topic: str
    partition: int
    offset: int
    type: str
    source: str
    schema_name: str
    hour: datetime
    commitment: str


class RowShown(BaseModel):
    """A leaf as the database has it, and the entry that it commits to; none while its event is to be replayed."""

    index: int
    leaf: str
    entry: EntryShown | None


class HeaderShown(BaseModel):
    name: str
    value: str


class ContentShown(BaseModel):
    """An event as it came, sealed. Bytes are base64."""

    position: int
    event_id: UUID
    subject_ids: list[UUID]
    category: Category | None
    headers: list[HeaderShown]
    body: str
    sealed_salt: str


def routes(service: Service) -> APIRouter:
    router = APIRouter(dependencies=[Depends(require(OPERATOR))])

    @router.get("/entries", responses=problems.responses(400, 401, 403))
    async def list_entries(asked: Annotated[Paging, Depends(paging)]) -> Page[EntryShown]:
        """Every event, oldest first, without what it said."""
        after = asked.after[0] if asked.after is not None else None
        async with borrow(service.database.pool) as connection:
            found = await entries.after(connection, after if isinstance(after, int) else 0, asked.limit + 1)
        page = asked.page(found, lambda entry: (entry.position,))
        return Page(items=[_entry_shown(entry) for entry in page.items], next=page.next)

    @router.get("/log/rows", responses=problems.responses(400, 401, 403))
    async def list_rows(asked: Annotated[Paging, Depends(paging)]) -> Page[RowShown]:
        """Every leaf in the tree's order, for comparing the database with what is published."""
        start = asked.after[0] + 1 if asked.after is not None and isinstance(asked.after[0], int) else 0
        async with borrow(service.database.pool) as connection:
            found = await leaves.between(connection, start, start + asked.limit + 1)
            rows = await entries.at(connection, [leaf.position for leaf in found if leaf.position is not None])
        by_position = {entry.position: _entry_shown(entry) for entry in rows}
        page = asked.page(found, lambda leaf: (leaf.index,))
        shown = [
            RowShown(index=leaf.index, leaf=_text(leaf.leaf), entry=by_position.get(leaf.position or 0))
            for leaf in page.items
        ]
        return Page(items=shown, next=page.next)

    @router.get("/entries/{position}/content", responses=problems.responses(401, 403, 404))
    async def read_content(position: Annotated[int, Path(ge=1, le=_LAST_POSITION)]) -> ContentShown:
        """What the event at this position said, sealed; 404 when that was erased."""
        async with borrow(service.database.pool) as connection:
            found = await contents.find(connection, position)
        if found is None:
            raise not_found("content")
        return _content_shown(found)

    return router


def _entry_shown(entry: Entry) -> EntryShown:
    return EntryShown(
        position=entry.position,
        topic=entry.place.topic,
        partition=entry.place.partition,
        offset=entry.place.offset,
        type=entry.type,
        source=entry.source,
        schema_name=entry.schema,
        hour=entry.hour,
        commitment=_text(entry.commitment),
    )


def _content_shown(content: Content) -> ContentShown:
    return ContentShown(
        position=content.position,
        event_id=content.event_id,
        subject_ids=list(content.subjects),
        category=content.category,
        headers=[HeaderShown(name=name, value=value.decode("ascii")) for name, value in content.headers],
        body=_text(content.body),
        sealed_salt=_text(content.sealed_salt),
    )


def _text(value: bytes) -> str:
    return b64encode(value).decode("ascii")
