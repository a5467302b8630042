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
        waits: list[tuple[Latency, Latency]] = []
        for number in range(rounds):
            bare = await latency.bare(rig, rate=rate, seconds=seconds)
            waits.append((bare, await latency.ours(rig, people, rate=rate, seconds=seconds)))
            print(f"latency {number + 1}/{rounds}: bare loop {waits[-1][0]}, ours {waits[-1][1]}", flush=True)
    return _table(rates, events, singles, waits, rate)


def _table(rates: list[Throughput], events: int, singles: int, waits: list[tuple[Latency, Latency]], rate: int) -> str:
    def middle(of: list[float]) -> float:
        return statistics.median(of)

    def row(name: str, ours_: list[float], base: list[float], base_name: str, aim: str) -> str:
        ratios = [mine / theirs for mine, theirs in zip(ours_, base, strict=True)]
        spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
        rate, raw = f"{middle(ours_):,.0f}/s", f"{middle(base):,.0f}/s ({base_name})"
        return f"| {name} | {rate} | {raw} | **{middle(ratios):.2f}** ({spread}) | {aim} |"

    def waiting(name: str, of: list[Latency], unit: str) -> str:
        cells = (
            f"{middle(values):.1f}{unit} ({min(values):.1f}-{max(values):.1f})"
            for values in ([each.p50 for each in of], [each.p99 for each in of])
        )
        return f"| {name} | {' | '.join(cells)} |"

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
        f"Commit to reaction done, {rate}/s, the two in turn, {len(waits)} times; median (range):",
        "",
        "| | p50 | p99 |",
        "|---|---|---|",
        waiting("bare loop (NOTIFY, aiokafka send, aiokafka getmany)", [bare for bare, _ in waits], " ms"),
        waiting("ours", [ours for _, ours in waits], " ms"),
        waiting(
            "ratio (aim: within 4; p99 <= 50 ms)",
            [Latency(ours.p50 / bare.p50, ours.p99 / bare.p99) for bare, ours in waits],
            "",
        ),
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
