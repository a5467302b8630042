"""What the tests need to do due work, have somebody erased, and look at what is stored and published."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import httpx
from chassis.health import Health
from chassis.service import Service
from chassis.sql import borrow
from chassis.subjects import SubjectState
from chassis.testing.services import deliver
from chassis.work_loop import WorkLoop
from contracts.personal import Category, SubjectId
from contracts.privacy import ErasureRequested
from contracts.profile import DeletionReason

from chassis import outbox, subjects

EVERYTHING = frozenset({Category.USER_INFORMATION, Category.COMMUNICATION, Category.WEBSITE_USAGE})


async def do_work(service: Service, kind: str) -> None:
    """Do what is due of this kind now."""
    [declared] = [declared for declared in service.work_kinds if declared.kind == kind]
    loop = WorkLoop(
        declared,
        database=service.database,
        wake=asyncio.Event(),
        metrics=service.metrics,
        loop=Health().loop(kind, timedelta(minutes=1)),
    )
    round_ = asyncio.create_task(loop.run())
    await asyncio.sleep(0)
    loop.stop()
    await round_


async def erase(service: Service, subject: SubjectId, categories: frozenset[Category] = EVERYTHING) -> None:
    """What retention asks of every holder."""
    now = service.clock.now()
    event = ErasureRequested(
        subject_id=subject,
        erasure_id=uuid4(),
        nonce="a nonce",
        reason=DeletionReason.REQUESTED,
        categories=categories,
        requested_at=now,
        due_at=now + timedelta(days=30),
    )
    await deliver(service, event.topic, [event])


async def published(service: Service) -> list[str]:
    """The types of the events that wait to be sent, in their order."""
    async with borrow(service.database.pool) as connection:
        rows = await outbox.due(connection, 1_000)
    return [dict(row.headers)["ce_type"].decode() for row in rows]


async def count(service: Service, table: str) -> int:
    async with borrow(service.database.pool) as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


async def state_of(service: Service, subject: SubjectId) -> SubjectState:
    async with borrow(service.database.pool) as connection, connection.transaction():
        return (await subjects.lock(connection, [subject]))[subject]


async def everything_stored(service: Service) -> str:
    """Every row of every table as text, bytes in hexadecimal."""
    async with borrow(service.database.pool) as connection:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        texts: list[str] = []
        for table in tables:
            rows = await connection.fetch(f"SELECT t::text AS row FROM {table['tablename']} t")
            texts.extend(row["row"] for row in rows)
    return "\n".join(texts)


def stands_in(text: str, value: str) -> bool:
    """Whether a value can be read in stored rows, plainly or in the bytes of a column."""
    return value.casefold() in text.casefold() or value.encode().hex() in text


def slug(answer: httpx.Response) -> str:
    """The kind of a problem document."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return str(answer.json()["type"]).rpartition(":")[2]


def statuses(answers: Sequence[httpx.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)
