"""A story stands in the order of time, stays short however many an event reached, and says what to do where it stopped."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import UUID

from chassis.admin_answers import ParkedRecord, ServiceTrace, WaitingRecord, WorkLeft
from rich.console import Console
from tillit_cli.topic_search import OnTopic, time_in
from tillit_cli.trace_story import MOST_OF_A_TYPE, EventStory, add_what_tables_tell, all_events, as_tree, tell

AT = datetime(2026, 1, 2, 8, tzinfo=UTC)
CORRELATION = UUID(int=1)


def event_id(number: int) -> UUID:
    """A UUIDv7 of so many milliseconds after `AT`."""
    milliseconds = int(AT.timestamp() * 1000) + number
    return UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | number)


def on_topic(number: int, cause: int | None, kind: str = "caused.v1") -> OnTopic:
    said = AT + timedelta(milliseconds=number)
    because = event_id(cause) if cause is not None else None
    stored = said + timedelta(milliseconds=1)
    return OnTopic(event_id(number), kind, "profile", said, CORRELATION, because, "topic.v1", 2, number, stored)


def known(**changes: object) -> ServiceTrace:
    nothing = ServiceTrace(
        service="notifications",
        received_at=None,
        waiting=[],
        parked=[],
        work=[],
        caused=[],
        reacts_to=["first.v1"],
        offsets={"topic.v1/2": 100},
    )
    return nothing.model_copy(update=changes)


def told(story: EventStory) -> list[str]:
    text = StringIO()
    Console(file=text, width=200).print(as_tree(story))
    return [line.lstrip("│├└─ ") for line in text.getvalue().splitlines()]


def test_an_id_tells_when_its_event_was_said() -> None:
    assert time_in(event_id(5)) == AT + timedelta(milliseconds=5)
    assert time_in(UUID("00000000-0000-4000-8000-000000000000")) is None


def test_effects_of_effects_stand_below_their_cause_in_the_order_of_time() -> None:
    chain = [on_topic(9, 4), on_topic(4, 0), on_topic(0, None, "first.v1"), on_topic(2, 0)]
    story = tell(event_id(0), chain)
    assert [one.event_id for one in all_events(story)] == [event_id(n) for n in (0, 4, 2, 9)]
    ids = [line.split()[1] for line in told(story) if line.startswith(("first.v1", "caused.v1"))]
    assert ids == [str(event_id(n)) for n in (0, 2, 4, 9)]


def test_of_thousands_that_an_event_caused_some_are_told_and_the_others_counted() -> None:
    story = tell(event_id(0), [on_topic(0, None, "first.v1"), *(on_topic(number, 0) for number in range(1, 5_001))])
    assert len(all_events(story)) == 1 + MOST_OF_A_TYPE
    assert told(story)[-1] == f"… and {5_000 - MOST_OF_A_TYPE} more caused.v1"


def test_events_that_name_each_other_as_their_cause_end_the_story() -> None:
    story = tell(event_id(0), [on_topic(0, 1), on_topic(1, 0)])
    assert len(all_events(story)) == 2


def test_what_each_service_made_of_it_is_told_with_the_cure() -> None:
    parked = ParkedRecord(
        id=7,
        topic="topic.v1",
        partition=2,
        offset=3,
        key="the key",
        event_id=event_id(3),
        event_type="first.v1",
        reason="[Poisoned]",
        parked_at=AT,
    )
    row = WaitingRecord(
        position=5, event_id=event_id(3), event_type="first.v1", topic="topic.v1", created_at=AT, refused="too large"
    )
    work = [WorkLeft(kind="tell", items=3, next_due=AT, attempts=2)]
    story = tell(event_id(3), [on_topic(3, None, "first.v1")])
    answers = {
        "a": known(parked=[parked]),
        "b": known(received_at=AT, work=work),
        "c": known(offsets={}),
        "d": known(offsets={"topic.v1/2": 1}),
        "e": known(reacts_to=[]),
        "f": known(),
        "g": known(waiting=[row]),
        "h": "ConnectError",
        "i": known(received_at=AT, refused="erased"),
    }
    add_what_tables_tell(story, answers)
    lines = told(story)
    for line in (
        "08:00:00.000 parked by a as 7: [Poisoned] (`tillit parked replay --service a`)",
        "08:00:00.000 taken in by b",
        "work tell: 3 left, next due 2026-01-02 08:00:00.000, tried up to 2 times",
        "c does not listen to topic.v1",
        "d has not read it yet: 2 records are before it",
        "skipped by e: nothing there reacts to first.v1",
        "f has read past it and keeps nothing of it",
        "08:00:00.000 refused in the outbox of g, row 5: too large (cure it, then `tillit outbox retry`)",
        "h does not answer: ConnectError",
        "08:00:00.000 taken in by i, which did nothing with it: the person's data of this category is erased",
    ):
        assert line in lines
    assert "the key" not in "".join(lines)


def test_an_effect_that_waits_in_an_outbox_is_told_below_its_cause() -> None:
    story = tell(event_id(0), [on_topic(0, None, "first.v1")])
    effect = WaitingRecord(
        position=9, event_id=event_id(6), event_type="caused.v1", topic="other.v1", created_at=AT, refused=None
    )
    add_what_tables_tell(story, {"notifications": known(received_at=AT, caused=[effect])})
    assert any(line.startswith(f"caused.v1 {event_id(6)} said by notifications") for line in told(story))
    assert "08:00:00.000 waits in the outbox of notifications, row 9" in told(story)


def test_an_event_of_which_nobody_has_anything_is_unknown() -> None:
    story = tell(event_id(0), [])
    add_what_tables_tell(story, {"notifications": known()})
    assert not story.known
