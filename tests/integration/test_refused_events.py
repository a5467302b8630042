"""What the broker refused waits with its key until an operator has it tried again; then all goes, in order."""

import httpx
from chassis.sql import borrow
from chassis.testing.services import running, surroundings
from contracts.topics import PROFILE

from chassis import outbox
from tests.integration.reader import arrivals
from tests.integration.town import Town, eventually, waiting_to_be_sent
from tests.integration.writer import say


async def test_a_refused_event_and_those_behind_it_are_sent_in_order_once_they_are_tried_again(town: Town) -> None:
    subject, other = town.people(2)
    for _ in range(3):
        await say(town.writer.database, subject)
    async with borrow(town.writer.database.pool) as connection:
        rows = [row for row in await outbox.due(connection, 10) if row.topic == town.prefix + PROFILE.name]
        await outbox.refuse(connection, [rows[0].position], "too large for the broker")
    token = surroundings(town.writer).identities.signer("operator", town.writer.clock).internal(town.writer.name)
    url = f"http://127.0.0.1:{town.writer.settings.http_port}"
    async with (
        running(town.writer),
        running(town.reader),
        httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client,
    ):
        await say(town.writer.database, other)
        await eventually("somebody else's", lambda: arrivals(town.reader, other), lambda found: found == [1])
        assert await arrivals(town.reader, subject) == []
        [refused] = (await client.get("/admin/outbox/refused")).json()["items"]
        assert refused["position"] == rows[0].position
        assert (await client.post("/admin/outbox/retry", json={})).json() == {"retried": 1}
        await eventually("all", lambda: arrivals(town.reader, subject), lambda found: found == [1, 2, 3])
        await eventually("an empty outbox", lambda: waiting_to_be_sent(town.writer), lambda waiting: waiting == 0)
