"""`python -m benchmarks`: measures, prints, and writes the table into benchmarks/README.md."""

import argparse
import asyncio
import os
import platform
import statistics
from pathlib import Path

import psutil
import uvloop
from chassis.clock import SystemClock
from chassis.process import tune_memory

from benchmarks import latency, throughput
from benchmarks.latency import Latency
from benchmarks.rig import servers
from benchmarks.throughput import Throughput
from chassis import logs

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"


async def _measure(rounds: int, events: int, singles: int, rate: int, seconds: float) -> str:
    async with servers() as rig:
        rates: list[Throughput] = []
        for number in range(rounds):
            rates.append(await throughput.measure(rig, events, singles))
            print(f"round {number + 1}/{rounds}: {rates[-1]}", flush=True)
        people = await asyncio.to_thread(rig.people, 500)
        bare = await latency.bare(rig, rate=rate, seconds=seconds)
        print(f"bare loop: {bare}", flush=True)
        ours = await latency.ours(rig, people, rate=rate, seconds=seconds)
        print(f"ours: {ours}", flush=True)
    return _table(rates, events, singles, bare, ours, rate)


def _table(rates: list[Throughput], events: int, singles: int, bare: Latency, ours: Latency, rate: int) -> str:
    def middle(of: list[float]) -> float:
        return statistics.median(of)

    def row(name: str, ours_: list[float], base: list[float], base_name: str, aim: str) -> str:
        ratios = [mine / theirs for mine, theirs in zip(ours_, base, strict=True)]
        spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
        rate, raw = f"{middle(ours_):,.0f}/s", f"{middle(base):,.0f}/s ({base_name})"
        return f"| {name} | {rate} | {raw} | **{middle(ratios):.2f}** ({spread}) | {aim} |"

    send, receive = [r.raw_send for r in rates], [r.raw_receive for r in rates]
    memory = psutil.virtual_memory().total / 2**30
    lines = [
        f"{SystemClock().now():%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}"
        f" {platform.release()}, Python {platform.python_version()}; broker, database and client on the same machine;"
        f" {len(rates)} rounds, median (range). {events:,} events a round ({singles:,} one by one) about"
        f" {throughput.PEOPLE:,} people, 6 partitions, acks=all, idempotent.",
        "",
        "| what | ours | aiokafka alone | ratio | aim |",
        "|---|---|---|---|---|",
        row("relay: outbox to acknowledged and deleted", [r.relay for r in rates], send, "send + gather", ">= 0.5"),
        row(
            "batch reactions: consume, inbox, one sealed table",
            [r.batch for r in rates],
            receive,
            "getmany + validation",
            ">= 0.12",
        ),
        row("single-event reactions: the same", [r.single for r in rates], receive, "getmany + validation", ">= 0.04"),
        "",
        f"Commit to reaction done, {rate}/s:",
        "",
        "| | p50 | p99 |",
        "|---|---|---|",
        f"| bare loop (NOTIFY, aiokafka send, aiokafka getmany) | {bare.p50:.1f} ms | {bare.p99:.1f} ms |",
        f"| ours | {ours.p50:.1f} ms | {ours.p99:.1f} ms |",
        f"| ratio (aim: within 4; p99 <= 50 ms) | {ours.p50 / bare.p50:.1f} | {ours.p99 / bare.p99:.1f} |",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=40_000, help="events a round")
    parser.add_argument("--singles", type=int, default=15_000, help="of these one by one")
    parser.add_argument("--rate", type=int, default=200, help="commands a second, for the latency")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--print", action="store_true", dest="only_print", help="leave benchmarks/README.md as it is")
    args = parser.parse_args()
    logs.configure("benchmarks", "CRITICAL")
    tune_memory()
    table = uvloop.run(_measure(args.rounds, args.events, args.singles, args.rate, args.seconds))
    print(table)
    if not args.only_print:
        text = README.read_text(encoding="utf-8")
        head, _, rest = text.partition(BEGIN)
        README.write_text(f"{head}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
