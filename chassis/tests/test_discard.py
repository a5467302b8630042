"""A parked record can be given up, for a reason that stands in a ticket; a person's right never can."""

from uuid import uuid4

import pytest
from chassis.records import Record
from chassis.recoveries import Sign
from contracts.event import Event
from contracts.personal import SubjectId

from chassis import recoveries

from .operator_edge import edge
from .town import POISON, Town, erasure, saved


async def someone_parked(town: Town, *numbers: int) -> tuple[SubjectId, list[Record]]:
    """Somebody of whom a poisonous event, and these behind it, are parked."""
    subject = town.person()
    records = await town.say(saved(subject, 0, POISON), *(saved(subject, number) for number in numbers))
    assert len(await town.parked(records)) == len(records)
    return subject, records


async def test_what_waited_behind_a_discarded_record_runs_in_order_and_what_comes_then_waits_for_nothing(
    town: Town,
) -> None:
    subject, records = await someone_parked(town, 1, 2)
    first = (await town.parked(records))[0]
    async with edge(town.service) as client:
        answer = await client.post("/admin/parked/discard", json={"id": first.id, "reason": "INC-4711"})
        assert answer.status_code == 200
        assert answer.json()["waiting"] == 2
        assert answer.json()["record"]["event_type"] == saved(subject, 0).type
        replayed = await client.post("/admin/parked/replay", json={"topic": first.topic, "key": first.key})
        assert replayed.json()["keys"] == [{"topic": first.topic, "key": str(subject), "done": 2, "stopped_by": None}]
    await town.say(saved(subject, 3))
    assert await town.kept(subject) == [1, 2, 3]
    assert await town.parked(records) == []


async def test_nothing_is_discarded_or_replayed_in_a_database_that_catches_up_after_a_restore(town: Town) -> None:
    _, records = await someone_parked(town)
    [row] = await town.parked(records)
    async with town.service.database.transaction(keys=()) as tx:
        await recoveries.begin(tx.connection, Sign.TOLD, tx.now(), tx.now())
    async with edge(town.service) as client:
        discarded = await client.post("/admin/parked/discard", json={"id": row.id, "reason": "INC-4711"})
        replayed = await client.post("/admin/parked/replay", json={"topic": row.topic, "key": row.key})
        assert (await client.get("/admin/status")).status_code == 200
    async with town.service.database.transaction(keys=()) as tx:
        for step in (recoveries.sought, recoveries.reapplied, recoveries.done):
            await step(tx.connection, tx.now())
    assert (discarded.status_code, replayed.status_code) == (503, 503)
    assert [one.id for one in await town.parked(records)] == [row.id]


async def test_discarding_is_counted_and_logged_with_its_caller_and_ticket(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    _, records = await someone_parked(town)
    [row] = await town.parked(records)
    before = town.service.metrics.exposition()
    async with edge(town.service) as client:
        await client.post("/admin/parked/discard", json={"id": row.id, "reason": "INC-4712"})
    name = f'tillit_parked_discarded_total{{topic="{row.topic}"}}'
    assert town.service.metrics.exposition().count(name.encode()) == 1
    assert before != town.service.metrics.exposition()
    told = capsys.readouterr().out
    assert "parked.discarded" in told
    assert "INC-4712" in told
    assert "operator" in told


async def test_an_event_of_the_privacy_protocol_is_never_discarded(town: Town) -> None:
    subject = town.person()

    async def refuse(event: Event, tx: object) -> None:
        raise LookupError

    town.disturb = refuse
    records = await town.say(erasure(subject))
    [row] = await town.parked(records)
    async with edge(town.service) as client:
        answer = await client.post("/admin/parked/discard", json={"id": row.id, "reason": "INC-4713"})
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:tillit:problem:privacy-protocol"
    assert "replay" in answer.json()["detail"]
    assert await town.parked(records) == [row]


async def test_a_record_that_nobody_can_read_is_discarded_too(town: Town) -> None:
    record = town.place(saved(town.person(), 1).topic.name, None, [], b"nonsense", 0)
    await town.take_in(record)
    [row] = await town.parked([record])
    assert row.key is None
    async with edge(town.service) as client:
        answer = await client.post("/admin/parked/discard", json={"id": row.id, "reason": "nonsense"})
        assert answer.json()["waiting"] == 0
        again = await client.post("/admin/parked/discard", json={"id": row.id, "reason": "nonsense"})
    assert again.status_code == 404
    assert await town.parked([record]) == []


@pytest.mark.parametrize("reason", ["", "kari@post.example", "Kari Nordmann ringte", "a" * 101, "-x", "x\n"])
async def test_a_reason_is_a_reference_and_describes_nobody(town: Town, reason: str) -> None:
    async with edge(town.service) as client:
        answer = await client.post("/admin/parked/discard", json={"id": 1, "reason": reason})
    assert answer.status_code == 422
    assert "Kari" not in answer.text


async def test_only_an_operator_discards_retries_or_traces(town: Town) -> None:
    async with edge(town.service, "profile") as client:
        for path, body in {
            "/admin/parked/discard": {"id": 1, "reason": "INC-1"},
            "/admin/outbox/retry": {"position": None},
        }.items():
            assert (await client.post(path, json=body)).status_code == 403
        for path in ("/admin/status", f"/admin/trace/{uuid4()}", "/admin/outbox/refused"):
            assert (await client.get(path)).status_code == 403
