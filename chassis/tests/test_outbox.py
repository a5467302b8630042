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
        await outbox.refuse(tx.connection, rows[2].position, "too large")
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
