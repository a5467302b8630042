"""What one service's tables know of an event is told by its id alone, quickly, and without anything about a person."""

from datetime import timedelta
from uuid import UUID, uuid4

from chassis.admin_answers import ServiceTrace
from chassis.records import Cause, read
from chassis.sql import borrow

from chassis import outbox

from .operator_edge import edge
from .town import AT, CANARY, POISON, Town, corrected, deletion, erasure, message, removed, saved


async def trace(town: Town, event_id: UUID) -> ServiceTrace:
    async with edge(town.service) as client:
        answer = await client.get(f"/admin/trace/{event_id}")
    assert answer.status_code == 200
    assert CANARY not in answer.text
    return ServiceTrace.model_validate_json(answer.content)


async def test_an_event_that_was_taken_in_names_its_time_and_what_it_caused_and_is_not_sent(town: Town) -> None:
    subject = town.person()
    [record] = await town.say(saved(subject, 1))
    found = await trace(town, read(record).envelope.id)
    assert found.received_at == town.clock.now()
    assert found.parked == []
    assert [row.event_type for row in found.caused] == [message(subject).type]
    assert str(subject) not in found.model_dump_json()


async def test_an_event_that_is_parked_names_its_place_and_reason(town: Town) -> None:
    subject = town.person()
    records = await town.say(saved(subject, 1, POISON))
    [row] = await town.parked(records)
    found = await trace(town, read(records[0]).envelope.id)
    assert [(one.id, one.offset, one.reason) for one in found.parked] == [(row.id, row.offset, "Poisoned")]


async def test_an_event_that_the_guard_refused_says_why_and_one_that_ran_says_nothing(town: Town) -> None:
    subject = town.person()
    late = town.record(town.sealed(removed(subject, 3)))
    ran, _, used = await town.say(saved(subject, 1), deletion(subject), corrected(subject))
    await town.say(erasure(subject))
    await town.take_in(late)
    for record, why in ((ran, None), (used, "restricted"), (late, "erased")):
        found = await trace(town, read(record).envelope.id)
        assert (found.received_at, found.refused) == (town.clock.now(), why)


async def test_what_an_event_left_to_do_is_told_by_kind(town: Town) -> None:
    cause = uuid4()
    async with town.service.database.transaction(cause=Cause(uuid4(), cause), keys=()) as tx:
        for number in range(3):
            tx.enqueue("tell", f"{cause}/{number}", due_at=AT + timedelta(days=number))
    work = (await trace(town, cause)).work
    assert [(left.kind, left.items, left.attempts) for left in work] == [("tell", 3, 0)]


async def test_an_event_that_waits_is_found_by_its_id(town: Town) -> None:
    subject = town.person()
    async with town.service.database.transaction([subject]) as tx:
        event_id = tx.publish(message(subject))
    found = await trace(town, event_id)
    assert [(row.event_id, row.refused) for row in found.waiting] == [(event_id, None)]
    assert found.received_at is None


async def test_an_event_that_never_was_here_is_told_as_nothing(town: Town) -> None:
    found = await trace(town, uuid4())
    assert found.received_at is None
    assert [*found.waiting, *found.parked, *found.work, *found.caused] == []


async def test_what_an_event_caused_and_is_not_sent_yet_is_told_in_its_order(town: Town) -> None:
    subject, cause = town.person(), uuid4()
    async with town.service.database.transaction([subject], cause=Cause(uuid4(), cause)) as tx:
        effects = [tx.publish(message(subject)) for _ in range(3)]
    async with borrow(town.service.database.pool) as connection:
        assert [row.event_id for row in await outbox.caused_by(connection, cause)] == effects


async def test_refused_events_are_listed_with_their_reason_and_tried_again_when_asked(town: Town) -> None:
    subject = town.person()
    async with town.service.database.transaction([subject]) as tx:
        first, second = tx.publish(message(subject)), tx.publish(message(subject))
    async with borrow(town.service.database.pool) as connection:
        [row] = await outbox.find(connection, first)
        await outbox.refuse(connection, [row.position], "too large for the broker")
        assert not {first, second} & set(await due_ids(town))
    async with edge(town.service) as client:
        items = (await client.get("/admin/outbox/refused")).json()["items"]
        assert [(item["position"], item["refused"]) for item in items] == [(row.position, "too large for the broker")]
        assert (await client.get("/admin/status")).json()["outbox_refused"] == 1
        assert (await client.post("/admin/outbox/retry", json={"position": row.position})).json() == {"retried": 1}
        assert (await client.post("/admin/outbox/retry", json={})).json() == {"retried": 0}
        assert (await client.get("/admin/outbox/refused")).json()["items"] == []
    assert [event_id for event_id in await due_ids(town) if event_id in (first, second)] == [first, second]


async def due_ids(town: Town) -> list[UUID]:
    async with borrow(town.service.database.pool) as connection:
        rows = await outbox.due(connection, 10_000)
    return [UUID(dict(row.headers)["ce_id"].decode()) for row in rows]
