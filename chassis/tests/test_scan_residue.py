"""Asked to scan, a service reads its database when its worker comes to it, and answers once, signed."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from chassis.health import Health
from chassis.holder_replies import is_signed_by, sign_reply
from chassis.keys import LOG_KEY
from chassis.records import Record, join, parse, read
from chassis.residue import SCAN_RESIDUE
from chassis.sql import borrow
from chassis.work_loop import WorkLoop
from contracts.personal import SubjectId
from contracts.privacy import ResidueScanned, ResidueScanRequested
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from chassis import outbox, work

from .town import CATEGORIES, Town, erasure


def asked(town: Town, subject: SubjectId) -> ResidueScanRequested:
    return ResidueScanRequested(
        subject_id=subject,
        erasure_id=uuid4(),
        nonce=uuid4().hex,
        categories=CATEGORIES,
        requested_at=town.clock.now(),
    )


async def worked(town: Town) -> None:
    """What is due of it is done."""
    [kind] = [kind for kind in town.service.work_kinds if kind.kind == SCAN_RESIDUE]
    loop = WorkLoop(
        kind,
        database=town.service.database,
        wake=asyncio.Event(),
        metrics=town.service.metrics,
        loop=Health().loop(kind.kind, timedelta(minutes=1)),
    )
    running = asyncio.create_task(loop.run())
    async with asyncio.timeout(30):
        while await waiting(town):  # noqa: ASYNC110 - the table is the truth, not an event
            await asyncio.sleep(0.02)
    loop.stop()
    await running


async def waiting(town: Town) -> int:
    async with borrow(town.service.database.pool) as connection:
        return (await work.depth(connection)).get(SCAN_RESIDUE, 0)


async def answers(town: Town, subject: SubjectId) -> list[ResidueScanned]:
    """What waits to be sent of its answers about this person."""
    async with borrow(town.service.database.pool) as connection:
        rows = await outbox.due(connection, 10_000)
    keys = await town.service.keys.fetch([LOG_KEY])
    found: list[ResidueScanned] = []
    for row in rows:
        if row.key == str(subject) and dict(row.headers)["ce_type"].decode() == ResidueScanned.type:
            incoming = read(Record(row.topic, 0, 0, row.key.encode(), row.headers, row.body))
            event = join(incoming, ResidueScanned, parse(incoming, ResidueScanned), keys)
            assert isinstance(event, ResidueScanned)
            found.append(event)
    return found


async def test_a_service_that_is_asked_scans_and_answers_once_signed(town: Town) -> None:
    subject = town.person()
    await town.say(erasure(subject))
    request = asked(town, subject)
    await town.say(request)
    await town.say(request)
    await worked(town)
    [answer] = await answers(town, subject)
    assert (answer.erasure_id, answer.nonce, answer.holder) == (request.erasure_id, request.nonce, "notifications")
    assert (answer.found, answer.scanned_at) == ({}, town.clock.now())
    assert answer.columns > 50
    own = load_pem_private_key(town.service.settings.service_key(), password=None)
    assert isinstance(own, Ed25519PrivateKey)
    assert is_signed_by(answer, own.public_key())
    assert not is_signed_by(answer.model_copy(update={"found": {"letters.subject_id": 1}}), own.public_key())
    assert not is_signed_by(sign_reply(answer, Ed25519PrivateKey.generate()), own.public_key())


async def test_residue_is_told_by_table_and_column(town: Town) -> None:
    subject = town.person()
    await town.say(erasure(subject))
    async with town.service.database.transaction([subject], keys=()) as tx:
        await tx.execute("INSERT INTO letters (letter_id, subject_id) VALUES ($1, $2)", uuid4(), subject)
    await town.say(asked(town, subject))
    await worked(town)
    [answer] = await answers(town, subject)
    assert answer.found == {"letters.subject_id": 1}
