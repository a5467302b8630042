"""The outbox gives back what was put in, in order, and what the broker refuses holds back its own key only."""

from uuid import uuid4

import pytest
from chassis.outbox import OutgoingEvent, pack_headers, unpack_headers
from chassis.sql import borrow
from hypothesis import given
from hypothesis import strategies as st

from chassis import outbox

from .town import AT, Town

names = st.from_regex(r"[a-z_\-]{1,20}", fullmatch=True)
values = st.text(st.characters(codec="ascii", exclude_characters="\n"), max_size=60).map(str.encode)


def event(topic: str, key: str, body: bytes = b"{}", privacy_protocol: bool = False) -> OutgoingEvent:
    return OutgoingEvent(uuid4(), topic, key, [("ce_id", b"1"), ("ce_type", b"a:b")], body, privacy_protocol)


@given(st.lists(st.tuples(names, values), min_size=1, max_size=12))
def test_packed_headers_come_out_as_they_went_in(headers: list[tuple[str, bytes]]) -> None:
    assert unpack_headers(pack_headers(headers)) == headers


async def test_rows_come_out_in_the_order_in_which_they_went_in(town: Town) -> None:
    topic = str(uuid4())
    events = [event(topic, f"key {number % 3}", str(number).encode(), number % 2 == 1) for number in range(40)]
    async with town.service.database.transaction(keys=()) as tx:
        await outbox.insert(tx.connection, events[:25], AT)
        await outbox.insert(tx.connection, events[25:], AT)
    async with borrow(town.service.database.pool) as connection:
        rows = [row for row in await outbox.due(connection, 1_000) if row.topic == topic]
        assert [(row.key, row.headers, row.body, row.privacy_protocol) for row in rows] == [
            (e.key, e.headers, e.body, e.privacy_protocol) for e in events
        ]
        await outbox.delete(connection, [row.position for row in rows[:39]])
        assert [row for row in await outbox.due(connection, 1_000) if row.topic == topic] == rows[39:]
        await outbox.delete(connection, [rows[39].position])


async def test_a_refused_row_is_kept_and_later_rows_of_its_key_wait_behind_it(town: Town) -> None:
    topic = str(uuid4())
    async with town.service.database.transaction(keys=()) as tx:
        await outbox.insert(tx.connection, [event(topic, key, key.encode()) for key in "abaab"], AT)
        rows = [row for row in await outbox.due(tx.connection, 1_000) if row.topic == topic]
        await outbox.refuse(tx.connection, [rows[2].position], "too large")
        due = [row for row in await outbox.due(tx.connection, 1_000) if row.topic == topic]
        depth = await outbox.depth(tx.connection)
    assert [row.key for row in due] == ["b", "b"]
    assert (depth.refused, depth.oldest) == (1, AT)
    assert depth.rows >= 5


async def test_rows_on_their_way_are_left_out_and_one_committed_late_before_them_is_not(town: Town) -> None:
    topic = str(uuid4())
    async with town.service.database.transaction(keys=()) as tx:
        await outbox.insert(tx.connection, [event(topic, key) for key in "abcd"], AT)
        late, *on_their_way, last = [row for row in await outbox.due(tx.connection, 1_000) if row.topic == topic]
        due = await outbox.due(tx.connection, 1_000, besides=[row.position for row in on_their_way])
    assert [row for row in due if row.topic == topic] == [late, last]


async def test_an_event_is_never_put_in_half(town: Town) -> None:
    topic = str(uuid4())

    async def fail() -> None:
        async with town.service.database.transaction(keys=()) as tx:
            await outbox.insert(tx.connection, [event(topic, "a")], AT)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    async with borrow(town.service.database.pool) as connection:
        assert [row for row in await outbox.due(connection, 1_000) if row.topic == topic] == []


async def test_large_bodies_come_out_a_few_at_a_time_and_the_oldest_always(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "READ_BYTES", 250)
    topic = str(uuid4())
    async with town.service.database.transaction(keys=()) as tx:
        await tx.execute("DELETE FROM outbox")
        await outbox.insert(tx.connection, [event(topic, "a", b"x" * size) for size in (300, 100, 100, 100, 100)], AT)
        sizes: list[list[int]] = []
        while rows := await outbox.due(tx.connection, 1_000):
            sizes.append([len(row.body) for row in rows])
            await outbox.delete(tx.connection, [row.position for row in rows])
    assert sizes == [[300], [100, 100, 100], [100]]


async def test_with_a_refused_row_all_that_are_as_large_on_its_topic_are_kept(town: Town) -> None:
    topic, other = str(uuid4()), str(uuid4())
    async with town.service.database.transaction(keys=()) as tx:
        sizes = (10, 20, 30, 19)
        await outbox.insert(tx.connection, [event(topic, str(size), b"x" * size) for size in sizes], AT)
        await outbox.insert(tx.connection, [event(other, "a", b"x" * 40)], AT)
        rows = [row for row in await outbox.due(tx.connection, 1_000) if row.topic in (topic, other)]
        assert await outbox.refuse_larger(tx.connection, rows[1], "too large") == 2
        left = [row for row in await outbox.due(tx.connection, 1_000) if row.topic in (topic, other)]
    assert [len(row.body) for row in left] == [10, 19, 40]
