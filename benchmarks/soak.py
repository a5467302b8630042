"""`python -m benchmarks.soak`: a steady thousand events a second for ten minutes; memory, files and lag, as a picture."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import httpx
import psutil
import uvloop
from chassis.kafka_topics import ensure_topics
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.testing.containers import free_port
from chassis.testing.services import open_service, seal_event
from confluent_kafka import Producer
from contracts.personal import SubjectId
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.picture import Line, picture
from benchmarks.rig import Rig, interest, servers
from benchmarks.soak_service import build
from chassis import logs

PICTURE: Final = Path(__file__).parent / "soak.svg"
PEOPLE: Final = 5_000
SAMPLE_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Sample:
    """The process at one moment."""

    seconds: float
    memory_mib: float
    open_files: int
    lag: float
    outbox: float
    taken: float


@asynccontextmanager
async def soaked(service: Service) -> AsyncGenerator[tuple[psutil.Process, str]]:
    """A process of the service that is ready, and where its measures are."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.soak_service", "all"), env={**os.environ, **_environment(service, port)}
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient() as http:
            while not await _ready(http, url):
                if process.returncode is not None:
                    raise SystemExit("the service ended before it was ready")
                await asyncio.sleep(0.2)
        yield psutil.Process(process.pid), f"{url}/metrics"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(f"{url}/health/ready")).is_success
    except httpx.HTTPError:
        return False


def _environment(service: Service, port: int) -> Mapping[str, str]:
    settings = service.settings
    told = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "TOPIC_PREFIX": settings.topic_prefix,
        "HTTP_PORT": port,
        "KEYRING_URL": settings.keyring_url,
        "SERVICE_KEY_FILE": settings.service_key_file,
        "SERVICE_JWKS_FILE": settings.service_jwks_file,
        "LOGIN_JWKS_FILE": settings.login_jwks_file,
        "LOG_LEVEL": "WARNING",
    }
    return {f"TILLIT_{name}": str(value) for name, value in told.items()}


async def publish(rig: Rig, service: Service, people: Sequence[SubjectId], rate: int, seconds: float) -> int:
    """Events at a steady rate, straight to the topic; the answer is how many."""
    producer = Producer({"bootstrap.servers": rig.kafka.bootstrap, "linger.ms": 5})
    began, sent = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - began) < seconds:
        while sent < elapsed * rate:
            subject, prefix = people[sent % PEOPLE], service.settings.topic_prefix
            event = seal_event(rig.keyring, interest(subject), clock=service.clock, prefix=prefix)
            producer.produce(event.topic, event.body, event.key.encode(), headers=[*event.headers])
            sent += 1
        producer.poll(0)
        await asyncio.sleep(0.02)
    await asyncio.to_thread(producer.flush, 30)
    return sent


async def sample(http: httpx.AsyncClient, process: psutil.Process, metrics: str, began: float) -> Sample:
    text = (await http.get(metrics)).text
    found = [one for family in text_string_to_metric_families(text) for one in family.samples]

    def total(name: str) -> float:
        return sum(one.value for one in found if one.name == name)

    return Sample(
        time.perf_counter() - began,
        process.memory_info().rss / 2**20,
        process.num_fds(),
        total("tillit_consumer_lag"),
        total("tillit_outbox_depth"),
        total("tillit_batch_size_sum"),
    )


async def soak(rate: int, seconds: float) -> list[Sample]:
    async with servers() as rig:
        prefix = f"s{uuid4().hex[:8]}."
        await ensure_topics(rig.kafka.bootstrap, partitions=6, prefix=prefix)
        async with (
            open_service(
                build, ServiceSettings, rig.postgres, rig.keyring, kafka=rig.kafka, topic_prefix=prefix
            ) as service,
            soaked(service) as (process, metrics),
            httpx.AsyncClient() as http,
        ):
            people = await asyncio.to_thread(rig.people, PEOPLE)
            began = time.perf_counter()
            publishing = asyncio.create_task(publish(rig, service, people, rate, seconds))
            samples: list[Sample] = []
            while not publishing.done() or samples[-1].taken < publishing.result():
                await asyncio.sleep(SAMPLE_SECONDS)
                samples.append(await sample(http, process, metrics, began))
                if len(samples) % 15 == 0:
                    print(samples[-1], flush=True)
                if samples[-1].seconds > seconds * 2 + 60:
                    raise SystemExit(
                        f"{samples[-1].taken:,.0f} of {publishing.result():,} taken in, and no end in sight"
                    )
            return samples


def summary(samples: Sequence[Sample], rate: int) -> str:
    """The second tenth of the time beside the last: what grows shows."""
    tenth = max(len(samples) // 10, 1)
    early, late = samples[tenth : 2 * tenth], samples[-tenth:]

    def mean(of: Sequence[float]) -> float:
        return sum(of) / len(of)

    memory = f"{mean([s.memory_mib for s in early]):.0f} MiB to {mean([s.memory_mib for s in late]):.0f} MiB"
    files = f"{mean([s.open_files for s in early]):.0f} to {mean([s.open_files for s in late]):.0f}"
    return (
        f"{samples[-1].taken:,.0f} events at {rate:,}/s in {samples[-1].seconds:.0f} s, each taken in, stored and told of:"
        f" memory {memory}, open files {files} (second and last tenth); lag at most"
        f" {max(s.lag for s in samples):,.0f}, outbox at most {max(s.outbox for s in samples):,.0f}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--rate", type=int, default=1_000, help="events a second")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--picture", type=Path, default=PICTURE)
    args = parser.parse_args()
    logs.configure("benchmarks", "CRITICAL")
    samples = uvloop.run(soak(args.rate, args.seconds))
    title = summary(samples, args.rate)
    lines = [
        Line("memory, MiB", [(s.seconds, s.memory_mib) for s in samples]),
        Line("open files", [(s.seconds, float(s.open_files)) for s in samples]),
        Line("consumer lag, records", [(s.seconds, s.lag) for s in samples]),
        Line("outbox, rows", [(s.seconds, s.outbox) for s in samples]),
    ]
    args.picture.write_text(picture(lines), encoding="utf-8")
    print(title)


if __name__ == "__main__":
    main()
