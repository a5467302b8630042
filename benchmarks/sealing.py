"""`python -m benchmarks.sealing`: what sealing costs an event in time and bytes, and its share of the event's journey."""

import argparse
import asyncio
import hmac
import os
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import date
from hashlib import sha256
from typing import Final, NamedTuple, cast
from uuid import uuid4

import uvloop
from chassis.clock import SystemClock, new_id
from chassis.keys import LOG_KEY, KeyName, KeySet
from chassis.outbox import OutgoingEvent
from chassis.process import tune_memory
from chassis.records import SALT_BYTES, SALT_SCHEMA, Cause, Record, encode, join, open_record, parse, read, seal_record
from chassis.sealing import BlobHeader, seal, unseal
from chassis.service import Service
from chassis.sql import borrow
from chassis.worker import Worker
from contracts.event import Event
from contracts.personal import Category, Personal, SubjectId
from contracts.profile import HomeAddress, JobInterestSaved, ProfileCorrected
from contracts.purposes import PurposeId
from contracts.wire import wire_form
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.rig import Interest, Rig, interest, servers, store_many
from chassis import logs

PEOPLE: Final = 1_000
BATCH: Final = 500
CATEGORY: Final = Category.USER_INFORMATION


class Costs(NamedTuple):
    """Microseconds of processor time per event, and bytes."""

    seal: float
    salt: float
    open: float
    seal_row: float
    open_row: float
    encode: float
    take_in: float
    fields: int
    personal: int
    sealed: int
    commitment: int
    record: int


def correction(subject: SubjectId) -> ProfileCorrected:
    """The largest event of a profile: every contact field."""
    return ProfileCorrected(
        subject_id=subject,
        corrected_at=SystemClock().now(),
        name=Personal("Kari Skogheim Nordmann"),
        email=Personal("kari.skogheim@post.example"),
        phone=Personal("+47 912 34 567"),
        home_address=Personal(HomeAddress(street="Storgata 14 B", postal_code="8006", city="Bodø")),
        date_of_birth=Personal(date(1988, 4, 17)),
    )


def microseconds(rounds: int, count: int, step: Callable[[int], object]) -> float:
    """Processor time of one step, the median of these rounds."""
    taken: list[float] = []
    for _ in range(rounds):
        began = time.process_time()
        for n in range(count):
            step(n)
        taken.append((time.process_time() - began) / count * 1e6)
    return statistics.median(taken)


def costs(make: Callable[[SubjectId], Event], count: int, rounds: int) -> Costs:
    """What one kind of event costs, each with a person and a key of its own."""
    people = [SubjectId(uuid4()) for _ in range(PEOPLE)]
    keys = KeySet(
        {LOG_KEY: AESGCM(os.urandom(32))} | {KeyName(who, CATEGORY): AESGCM(os.urandom(32)) for who in people}
    )
    clock = SystemClock()
    events = [make(people[n % PEOPLE]) for n in range(count)]
    kind, form, cause = type(events[0]), wire_form(type(events[0])), Cause(uuid4())

    def sent(n: int) -> OutgoingEvent:
        return encode(events[n], keys, cause, event_id=new_id(clock), source="profile", at=clock.now(), prefix="")

    def taken(n: int) -> Event:
        incoming = read(records[n])
        return join(incoming, kind, parse(incoming, kind), keys)

    outgoing = [sent(n) for n in range(count)]
    records = [Record(one.topic, 0, n, one.key.encode(), one.headers, one.body) for n, one in enumerate(outgoing)]
    who = [event.subjects()[0] for event in events]
    of = [keys.need(KeyName(one, CATEGORY)) for one in who]
    headers = [BlobHeader(one, CATEGORY, new_id(clock), kind.type) for one in who]
    salts = [header._replace(schema=SALT_SCHEMA) for header in headers]
    payloads = [cast("bytes", form.payload(event, CATEGORY)) for event in events]
    blobs = [seal(key, header, payload) for key, header, payload in zip(of, headers, payloads, strict=True)]
    rows = [Interest(occupation=Personal("sykepleier i anestesi"), place=Personal("Bodø")) for _ in events]

    def salt(n: int) -> tuple[bytes, bytes]:
        made = os.urandom(SALT_BYTES)
        return hmac.digest(made, outgoing[n].body, sha256), seal(of[n], salts[n], made)

    def row(n: int) -> bytes:
        return seal_record(rows[n], keys, subject=who[n], record_id=headers[n].record_id, schema="interests")

    sealed_rows = [row(n) for n in range(count)]
    with_blobs, without = len(form.dump(events[0], {CATEGORY: blobs[0]})), len(form.dump(events[0], {CATEGORY: b""}))
    named = dict(outgoing[0].headers)
    return Costs(
        seal=microseconds(rounds, count, lambda n: seal(of[n], headers[n], payloads[n])),
        salt=microseconds(rounds, count, salt),
        open=microseconds(rounds, count, lambda n: unseal(of[n], blobs[n])),
        seal_row=microseconds(rounds, count, row),
        open_row=microseconds(rounds, count, lambda n: open_record(Interest, sealed_rows[n], keys)),
        encode=microseconds(rounds, count, sent),
        take_in=microseconds(rounds, count, taken),
        fields=len(form.personal[CATEGORY].model_fields),
        personal=len(payloads[0]),
        sealed=with_blobs - without,
        commitment=len(named["ce_salt"]) + len(named["ce_commitment"]),
        record=len(outgoing[0].body) + sum(len(name) + len(value) for name, value in outgoing[0].headers),
    )


async def journey(rig: Rig, events: int) -> tuple[float, float]:
    """Microseconds per event from before its commit until it is taken in and stored: of the clock, and of our processor.

    One process publishes, relays and takes in; the broker and the database are others.
    """
    people = await asyncio.to_thread(rig.people, PEOPLE)

    def declare(service: Service) -> None:
        service.store_batch(JobInterestSaved, store_many, purpose=PurposeId.P1)

    async with rig.service(declare, name="profile") as service:
        service.work_kinds.clear()
        worker = Worker(service)
        parts = [asyncio.create_task(part) for part in worker.parts()]
        try:
            await _pass(service, people, BATCH, 0)
            began, processor = time.perf_counter(), time.process_time()
            await _pass(service, people, events, BATCH)
            return (
                (time.perf_counter() - began) / events * 1e6,
                (time.process_time() - processor) / events * 1e6,
            )
        finally:
            await worker.drain()
            for part in parts:
                part.cancel()
            await asyncio.wait(parts)


async def _pass(service: Service, people: Sequence[SubjectId], events: int, stored: int) -> None:
    """Publish so many, and wait until they are stored beside those that are."""
    for start in range(0, events, BATCH):
        about = [people[(start + n) % len(people)] for n in range(min(BATCH, events - start))]
        async with service.database.transaction(about) as tx:
            for one in about:
                tx.publish(interest(one))
    while True:
        async with borrow(service.database.pool) as connection:
            if await connection.fetchval("SELECT count(*) FROM interests") >= stored + events:
                return
        await asyncio.sleep(0.05)


async def measure(events: int, count: int, rounds: int) -> list[str]:
    small, large = costs(interest, count, rounds), costs(correction, count, rounds)
    async with servers() as rig:
        passes = [await journey(rig, events) for _ in range(rounds)]
    wall, processor = (statistics.median(column) for column in zip(*passes, strict=True))
    sealing = small.seal + small.salt + small.open + small.seal_row
    lines = [f"| | an interest, {small.fields} fields | contact details, {large.fields} fields |", "|---|---|---|"]
    for title, name in (
        ("seal the personal fields", "seal"),
        ("commit to the body for the log: salt, HMAC, sealed salt", "salt"),
        ("open them", "open"),
        ("seal a row of 2 fields, JSON included", "seal_row"),
        ("open that row, JSON included", "open_row"),
        ("the whole event made ready to send", "encode"),
        ("the whole event read, validated and opened", "take_in"),
    ):
        lines.append(f"| {title} | {getattr(small, name):.1f} us | {getattr(large, name):.1f} us |")
    for title, values in (
        ("personal fields as JSON", [one.personal for one in (small, large)]),
        ("the same, sealed and base64url", [one.sealed for one in (small, large)]),
        ("added by sealing", [one.sealed - one.personal for one in (small, large)]),
        ("added per field", [round((one.sealed - one.personal) / one.fields) for one in (small, large)]),
        ("commitment and sealed salt, in the headers", [one.commitment for one in (small, large)]),
        ("the whole record, headers and body", [one.record for one in (small, large)]),
    ):
        lines.append(f"| {title} | {values[0]} bytes | {values[1]} bytes |")
    return [
        *lines,
        f"the journey of an interest (commit, relayed, taken in, stored): {wall:.0f} us, {processor:.0f} us of them our"
        f" processor's; sealed, committed to, opened and sealed again as a row: {sealing:.1f} us, {sealing / wall:.1%} of"
        f" the journey, {sealing / processor:.1%} of the processor's time",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sealing", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="that make the whole journey, in each round")
    parser.add_argument("--count", type=int, default=5_000, help="events that are sealed and opened without servers")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    logs.configure("benchmarks", "CRITICAL")
    tune_memory()
    print(f"{os.cpu_count()} cores")
    for line in uvloop.run(measure(args.events, args.count, args.rounds)):
        print(line)


if __name__ == "__main__":
    main()
