"""`python -m benchmarks.erasure_account`: what one erasure costs each process of the local stack, in processor time.

The stack rests for a while, then people leave, one a second, and nothing else happens; what a process used more than at
rest is the erasures'. Our own process, which lets them leave, is shown and counts for nothing.
"""

import argparse
import asyncio
import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import uvloop
from chassis.clock import monotonic
from chassis.service import Service
from chassis.sql import connect
from contracts.personal import SubjectId
from local_stack.stack import Stack, StackInfo
from tillit_cli.operator_calls import operating
from tillit_cli.settled import wait_until_settled

from benchmarks.erasure import leave, people, profile_of, running, stage_seconds
from chassis import logs

_TICK: Final = os.sysconf("SC_CLK_TCK")
_OURSELVES: Final = "this benchmark"
_TRANSACTIONS: Final = "transactions"


def processor_seconds(info: StackInfo) -> dict[str, float]:
    """What each part of the stack has used until now, with all its processes, those that ended too (`man 5 proc`)."""
    supervisor = Stack(info.state).supervisor()
    children: defaultdict[int, list[int]] = defaultdict(list)
    used: dict[int, float] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile, and its parent has its time
            continue
        pid = int(folder.name)
        children[int(fields[1])].append(pid)
        used[pid] = sum(map(int, fields[11:15])) / _TICK
    named = {_name(pid): _with_descendants(pid, children, used) for pid in children[supervisor or 0]}
    return {_OURSELVES: used[os.getpid()], **named}


def _with_descendants(pid: int, children: Mapping[int, list[int]], used: Mapping[int, float]) -> float:
    return used[pid] + sum(_with_descendants(child, children, used) for child in children.get(pid, ()))


def _name(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    module = next((words[place + 1] for place, word in enumerate(words[:-1]) if word == "-m"), words[0])
    return "Kafka" if "kafka" in " ".join(words) else Path(module.removesuffix(".app").rpartition(".")[2]).name


async def transactions(info: StackInfo) -> dict[str, float]:
    """How many transactions each database has ended, as its server counts them (a second or so late)."""
    connection = await connect(info.admin_database)
    try:
        rows = await connection.fetch(
            "SELECT datname, xact_commit + xact_rollback AS ended FROM pg_stat_database WHERE datname = ANY($1::text[])",
            list(info.databases),
        )
    finally:
        await connection.close()
    return {f"{_TRANSACTIONS} in {row['datname']}": float(row["ended"]) for row in rows}


async def account(count: int, rest_seconds: float) -> list[str]:
    """A table: per part of the stack what an erasure cost, and what rest costs in the second that it takes."""
    async with running() as info, operating(info) as operator, profile_of(info) as profile:
        await stage_seconds(info, await _left(profile, 5))  # what is done once is done
        subjects = await people(profile, count, 10)
        await wait_until_settled(info, operator, seconds=300)
        await asyncio.sleep(5)
        began, before = monotonic(), await _now(info)
        await asyncio.sleep(rest_seconds)
        rested, after_rest = monotonic(), await _now(info)
        await leave(profile, subjects, 1.0)
        await stage_seconds(info, subjects)
        await asyncio.sleep(3)
        ended, at_the_end = monotonic(), await _now(info)
    lines = ["| | per erasure | at rest, per second |", "|---|---|---|"]
    whole = 0.0
    for name in sorted(at_the_end, key=lambda name: (name.startswith(_TRANSACTIONS), name)):
        at_rest = (after_rest[name] - before[name]) / (rested - began)
        cost = (at_the_end[name] - after_rest[name] - at_rest * (ended - rested)) / count
        if name.startswith(_TRANSACTIONS):
            lines.append(f"| {name} | {cost:.1f} | {at_rest:.1f} |")
        else:
            lines.append(f"| {name} | {cost * 1e3:.1f} ms | {at_rest * 1e3:.1f} ms |")
            whole += cost if name != _OURSELVES else 0
    return [*lines, f"{whole * 1e3:.0f} ms of processor time for an erasure, without this benchmark's own process"]


async def _left(profile: Service, count: int) -> list[SubjectId]:
    subjects = await people(profile, count, 10)
    await leave(profile, subjects, 1.0)
    return subjects


async def _now(info: StackInfo) -> dict[str, float]:
    return {**processor_seconds(info), **await transactions(info)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.erasure_account", description=__doc__)
    parser.add_argument("--count", type=int, default=60, help="erasures")
    parser.add_argument("--rest", type=float, default=30.0, help="seconds of rest before them")
    args = parser.parse_args()
    logs.configure("benchmarks", "CRITICAL")
    for line in uvloop.run(account(args.count, args.rest)):
        print(line)


if __name__ == "__main__":
    main()
