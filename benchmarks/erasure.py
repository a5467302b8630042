"""`python -m benchmarks.erasure`: how long each stage of an erasure takes.

The whole local stack runs as processes on this machine. People register and leave through the profile service's own
commands, without the password hashing that would set the pace; times are those that the retention service writes down.
"""

import argparse
import asyncio
import os
import secrets
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final

import asyncpg
import uvloop
from chassis.clock import monotonic
from chassis.service import Service
from chassis.sql import connect
from chassis.testing.containers import free_port
from contracts.personal import Personal, SubjectId
from contracts.profile import DeletionReason, ProfileCorrected
from local_stack.ports import port_names
from local_stack.stack import Stack, StackInfo, StackOptions
from profile_service.app import build
from profile_service.delete_profile import end_profile
from profile_service.profiles import Details
from profile_service.register import NewPerson, new_subject, register
from profile_service.settings import ProfileSettings
from tillit_cli.operator_calls import Operator, operating
from tillit_cli.settled import wait_until_settled

from chassis import logs

STAGES: Final = ("requested", "answered", "fenced", "told", "mailed", "done")
_PATIENCE_SECONDS: Final = 300.0
_TOGETHER: Final = 50
_LIMITS: Final = {
    "TILLIT_ERASURES_AT_LEAST": "1000000",
    "TILLIT_ERASURES_PER_HOUR": "1000000",
    "TILLIT_LOG_LEVEL": "ERROR",
}


@asynccontextmanager
async def running() -> AsyncGenerator[StackInfo]:
    """A stack of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tillit-benchmark-") as name:
        os.chmod(name, 0o755)
        stack = Stack(Path(name) / "state")
        ports = {port: free_port() for port in port_names()}
        try:
            yield await asyncio.to_thread(stack.up, StackOptions(ports=ports, environment=_LIMITS))
        finally:
            await asyncio.to_thread(stack.down, wipe=True)


@asynccontextmanager
async def profile_of(info: StackInfo) -> AsyncGenerator[Service]:
    """The profile service's commands on the stack's own database; what they publish is sent by the stack's process."""
    settings = ProfileSettings.model_validate(
        {
            "database_url": info.databases["profile"],
            "kafka_bootstrap": info.kafka_bootstrap,
            "http_port": free_port(),
            "keyring_url": info.services["retention"],
            "service_key_file": info.keys / "profile.pem",
            "service_jwks_file": info.services_jwks_file,
            "login_jwks_file": info.login_jwks_file,
            "login_key_file": info.keys / "login.pem",
        }
    )
    service = build(settings)
    async with AsyncExitStack() as stack:
        await service.open(stack)
        yield service


def details() -> Details:
    name = secrets.token_hex(8)
    return Details(
        name=Personal(name),
        email=Personal(f"{name}@post.example"),
        phone=Personal(None),
        home_address=Personal(None),
        date_of_birth=Personal(None),
    )


async def person(profile: Service, events: int) -> SubjectId:
    """Somebody about whom so many events were published."""
    subject = await new_subject(profile)
    async with profile.database.transaction([subject]) as tx:
        await register(tx, subject, NewPerson(details(), secrets.token_bytes(32), Personal("no password opens this")))
    for _ in range(0, events - 1, _TOGETHER):
        await correct(profile, [subject] * min(_TOGETHER, events - 1))
    return subject


async def people(profile: Service, count: int, events: int) -> list[SubjectId]:
    made: list[SubjectId] = []
    for start in range(0, count, 4):
        made += await asyncio.gather(*(person(profile, events) for _ in range(start, min(start + 4, count))))
    return made


async def correct(profile: Service, subjects: Sequence[SubjectId]) -> None:
    """One event about each, in one transaction."""
    async with profile.database.transaction(set(subjects)) as tx:
        for subject in subjects:
            tx.publish(ProfileCorrected(subject_id=subject, corrected_at=tx.now(), **dict(details())))


async def leave(profile: Service, subjects: Sequence[SubjectId], rate: float) -> None:
    """These people leave, so many a second, whether or not the system keeps up."""
    began = monotonic()
    async with asyncio.TaskGroup() as group:
        for number, subject in enumerate(subjects):
            await asyncio.sleep(max(0.0, began + number / rate - monotonic()))
            group.create_task(_leave(profile, subject))


async def _leave(profile: Service, subject: SubjectId) -> None:
    async with profile.database.transaction([subject]) as tx:
        await end_profile(tx, subject, DeletionReason.REQUESTED)


async def stage_seconds(info: StackInfo, subjects: Sequence[SubjectId]) -> list[dict[str, float]]:
    """How long each erasure stood in each stage, once all are done; under `done` the whole."""
    connection = await connect(info.databases["retention"])
    try:
        deadline = monotonic() + _PATIENCE_SECONDS
        while True:
            rows = await connection.fetch(
                "SELECT requested_at, answered_at, fenced_at, told_at, mailed_at, done_at FROM erasures"
                " WHERE subject_id = ANY($1::uuid[]) AND done_at IS NOT NULL",
                list(subjects),
            )
            if len(rows) == len(subjects):
                return [_durations(row) for row in rows]
            if monotonic() > deadline:
                raise TimeoutError(f"{len(subjects) - len(rows)} erasures are not done")
            await asyncio.sleep(0.5)
    finally:
        await connection.close()


def _durations(row: asyncpg.Record) -> dict[str, float]:
    times = [(stage, row[f"{stage}_at"]) for stage in STAGES if row[f"{stage}_at"] is not None]
    found = {f"to {stage}": (at - before).total_seconds() for (_, before), (stage, at) in pairwise(times)}
    return {**found, "the whole": (row["done_at"] - row["requested_at"]).total_seconds()}


def _quantiles(title: str, seconds: Sequence[dict[str, float]]) -> list[str]:
    lines: list[str] = []
    for stage in seconds[0]:
        ordered = sorted(one[stage] for one in seconds)
        p50, p95, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.5, 0.95, 0.99))
        lines.append(f"| {title} | {stage} | {p50:.2f} s | {p95:.2f} s | {p99:.2f} s |")
    return lines


async def by_stage(info: StackInfo, operator: Operator, profile: Service, count: int) -> list[str]:
    lines = ["| erasures | stage | p50 | p95 | p99 |", "|---|---|---|---|---|"]
    plan = [(rate, 10, min(count, int(rate * 30) + 5)) for rate in (1.0, 10.0, 100.0)] + [(1.0, 1_000, 10)]
    for rate, events, number in plan:
        subjects = await people(profile, number, events)
        await wait_until_settled(info, operator, seconds=_PATIENCE_SECONDS)
        await leave(profile, subjects, rate)
        title = f"{number} at {rate:.0f} a second, {events:,} events each"
        lines += _quantiles(title, await stage_seconds(info, subjects))
    return lines


async def measure(count: int) -> list[str]:
    async with running() as info, operating(info) as operator, profile_of(info) as profile:
        return await by_stage(info, operator, profile, count)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.erasure", description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="at most so many people leave at one rate")
    args = parser.parse_args()
    logs.configure("benchmarks", "CRITICAL")
    print(f"{os.cpu_count()} cores")
    for line in uvloop.run(measure(args.count)):
        print(line)


if __name__ == "__main__":
    main()
