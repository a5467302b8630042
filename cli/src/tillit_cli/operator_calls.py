"""What an operator asks of the services, over their admin routes, with short-lived tokens of the operator's own key."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import typer
from chassis.admin_answers import (
    DiscardAnswer,
    ParkedRecord,
    ReplayAnswer,
    ReplayedKey,
    RetryAnswer,
    ServiceStatus,
    ServiceTrace,
    WaitingRecord,
)
from chassis.clock import SystemClock
from chassis.explain import Explanation
from chassis.tokens import Signer
from local_stack.stack import StackInfo
from pydantic import Base64Bytes, BaseModel, JsonValue, TypeAdapter

from tillit_cli.patient_http import ANSWER_SECONDS, TRIES, PatientHttp


class HolderAnswer(BaseModel):
    """What one holder was asked in an erasure, and what it erased, by table."""

    holder: str
    attempts: int
    asked_at: datetime
    replied_at: datetime | None
    rows: Mapping[str, int] | None


class HolderScan(BaseModel):
    """What one holder found when it looked for residue, by `table.column`; null while it is silent."""

    holder: str
    requested_at: datetime
    attempts: int
    columns: int | None
    found: Mapping[str, int] | None


class Erasure(BaseModel):
    """One erasure, with the time each stage was reached."""

    erasure_id: UUID
    subject_id: UUID
    stage: str
    categories: Sequence[str]
    requested_at: datetime
    answered_at: datetime | None
    fenced_at: datetime | None
    told_at: datetime | None
    mailed_at: datetime | None
    done_at: datetime | None
    holders: Sequence[HolderAnswer]
    scans: Sequence[HolderScan]


class OpenErasures(BaseModel):
    """How many erasures stand in a stage, and when the oldest of them was asked for."""

    stage: str
    count: int
    oldest: datetime


_OPEN_ERASURES: Final = TypeAdapter(list[OpenErasures])


class Breaker(BaseModel):
    """Whether erasures are stopped because too many were asked for within an hour, and how many wait."""

    tripped: bool
    tripped_at: datetime | None
    begun: int | None
    most: int | None
    held_back: int
    agreed: str | None


class BreakerReleased(BaseModel):
    """Whether the word of this officer was the second, and how many erasures begin, or wait still."""

    released: bool
    held_back: int


class _RefusedPage(BaseModel):
    items: list[WaitingRecord]
    next: str | None


class _ParkedPage(BaseModel):
    items: list[ParkedRecord]
    next: str | None


class LogEntry(BaseModel):
    """An entry of the audit log's database; the commitment is base64."""

    position: int
    type: str
    source: str
    schema_name: str
    hour: datetime
    commitment: Base64Bytes


class LogRow(BaseModel):
    """A leaf as the database has it, and its entry, unless that is still to be replayed."""

    index: int
    leaf: Base64Bytes
    entry: LogEntry | None


class _LogPage(BaseModel):
    items: list[LogRow]
    next: str | None


class _ErasurePage(BaseModel):
    items: list[Erasure]
    next: str | None


class Operator:
    """The operator of one system."""

    def __init__(
        self,
        services: Mapping[str, str],
        key_file: Path,
        *,
        tries: int = TRIES,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """`key_file` is named after whose key it is: the operator's, or an officer's."""
        self._signer = Signer(key_file.stem, key_file.read_bytes(), SystemClock())
        self._services = {
            name: PatientHttp(name, url, tries=tries, answer_seconds=answer_seconds) for name, url in services.items()
        }

    @property
    def services(self) -> list[str]:
        return list(self._services)

    async def close(self) -> None:
        await asyncio.gather(*(service.close() for service in self._services.values()))

    async def status(self, service: str) -> ServiceStatus:
        return ServiceStatus.model_validate_json(await self.call(service, "GET", "/admin/status"))

    async def statuses(self) -> list[ServiceStatus]:
        """Of all services, at the same time."""
        return list(await asyncio.gather(*(self.status(name) for name in self._services)))

    async def parked(self, service: str) -> AsyncIterator[ParkedRecord]:
        """Everything that is parked, oldest first."""
        cursor: str | None = None
        while True:
            query = {"limit": "200"} if cursor is None else {"limit": "200", "cursor": cursor}
            page = _ParkedPage.model_validate_json(await self.call(service, "GET", "/admin/parked", query=query))
            for record in page.items:
                yield record
            if (cursor := page.next) is None:
                return

    async def replay(self, service: str, topic: str | None, key: str | None) -> list[ReplayedKey]:
        """Run parked events again: those of one topic and key, or all of them."""
        body: dict[str, JsonValue] = {"topic": topic, "key": key}
        answer = await self.call(service, "POST", "/admin/parked/replay", body=body)
        return ReplayAnswer.model_validate_json(answer).keys

    async def discard(self, service: str, parked_id: int, reason: str) -> DiscardAnswer:
        """Give up one parked record, for the reason that stands in a ticket."""
        body: dict[str, JsonValue] = {"id": parked_id, "reason": reason}
        return DiscardAnswer.model_validate_json(await self.call(service, "POST", "/admin/parked/discard", body=body))

    async def trace(self, service: str, event_id: UUID) -> ServiceTrace:
        """What the tables of a service know of one event."""
        return ServiceTrace.model_validate_json(await self.call(service, "GET", f"/admin/trace/{event_id}"))

    async def refused(self, service: str) -> AsyncIterator[WaitingRecord]:
        """Events that the broker will not take as they are, oldest first."""
        query = {"limit": "200"}
        while True:
            page = _RefusedPage.model_validate_json(
                await self.call(service, "GET", "/admin/outbox/refused", query=query)
            )
            for record in page.items:
                yield record
            if page.next is None:
                return
            query = {"limit": "200", "cursor": page.next}

    async def retry_refused(self, service: str, position: int | None = None) -> int:
        """Have refused events tried again; the answer is how many."""
        answer = await self.call(service, "POST", "/admin/outbox/retry", body={"position": position})
        return RetryAnswer.model_validate_json(answer).retried

    async def log_rows(self) -> AsyncIterator[LogRow]:
        """Every leaf in the tree's order, as the audit log's database has it."""
        query = {"limit": "200"}
        while True:
            page = _LogPage.model_validate_json(await self.call("audit-log", "GET", "/log/rows", query=query))
            for row in page.items:
                yield row
            if page.next is None:
                return
            query["cursor"] = page.next

    async def open_erasures(self) -> list[OpenErasures]:
        """Erasures that are not done, by stage."""
        return _OPEN_ERASURES.validate_json(await self.call("retention", "GET", "/erasures/open"))

    async def breaker(self) -> Breaker:
        return Breaker.model_validate_json(await self.call("retention", "GET", "/breaker"))

    async def release_breaker(self) -> BreakerReleased:
        """Agree, as the officer whose key this is, that what is held back may begin."""
        answer = await self.call("retention", "POST", "/breaker/release", body={})
        return BreakerReleased.model_validate_json(answer)

    async def erasures(self, subject_id: UUID | None = None) -> list[Erasure]:
        """The newest erasures, of everybody or of one person."""
        query = {} if subject_id is None else {"subject_id": str(subject_id)}
        return _ErasurePage.model_validate_json(await self.call("retention", "GET", "/erasures", query=query)).items

    async def explain(self, service: str, subject_id: UUID) -> Explanation:
        """What one service keeps of a person, and why."""
        return Explanation.model_validate_json(await self.call(service, "GET", f"/admin/explain/{subject_id}"))

    async def scan_for_residue(self, erasure_id: UUID) -> None:
        """Have every holder look now for what an erasure that is done left behind."""
        await self.call("retention", "POST", f"/erasures/{erasure_id}/scans", body={})

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        *,
        body: Mapping[str, JsonValue] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> bytes:
        answer = await self._services[service].call(
            method, path, token=self._signer.internal(service), body=body, query=query
        )
        return answer.content


def chosen(known: list[str], service: str | None) -> list[str]:
    """The service that was named, or all.

    Raises:
        BadParameter: there is none of this name.
    """
    if service is not None and service not in known:
        raise typer.BadParameter(f"the services are {', '.join(known)}", param_hint="--service")
    return known if service is None else [service]


@asynccontextmanager
async def operating(
    info: StackInfo, *, officer: str = "operator", tries: int = TRIES, answer_seconds: float = ANSWER_SECONDS
) -> AsyncGenerator[Operator]:
    """The operator of a local stack, or one of its officers."""
    key_file = info.operator_key_file.with_name(f"{officer}.pem")
    if not key_file.is_file():
        raise typer.BadParameter(f"there is no key of {officer}: {key_file.parent} has none", param_hint="--as")
    operator = Operator(info.services, key_file, tries=tries, answer_seconds=answer_seconds)
    try:
        yield operator
    finally:
        await operator.close()
