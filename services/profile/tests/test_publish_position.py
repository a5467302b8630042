"""A position is published by a user of its employer, once, and read by everybody."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from chassis.clock import MovedClock
from chassis.sql import borrow
from chassis.testing.keyring import KeyringServer
from pydantic import JsonValue

from .portal import Portal
from .rig import count, published, slug, statuses

FAULTS: list[tuple[str, JsonValue]] = [
    ("title", ""),
    ("occupation", "x" * 101),
    ("description_html", "x" * 50_001),
    ("expires_at", "2026-03-02T09:00:00Z"),
    ("expires_at", "9999-12-31T23:59:59-23:59"),
    ("expires_at", "2026-06-01T12:00:00"),
    ("contact", {"name": "Kari Nordmann"}),
]


async def test_a_published_position_is_shown_to_everybody_and_told(portal: Portal) -> None:
    per = await portal.employer()
    answer = await portal.publish(per, description_html="<p>Hei</p><script>x()</script>")
    assert answer.status_code == 201
    shown = (await portal.http.get(answer.headers["Location"])).json()
    assert (shown["title"], shown["employer_name"]) == ("Sykepleier, natt", "Fjell sykehus")
    assert (shown["description_html"], shown["closed_at"]) == ("<p>Hei</p>", None)
    assert (await published(portal.service))[1:] == ["position.published.v1"]


async def test_open_positions_are_listed_newest_first_in_pages(portal: Portal, clock: MovedClock) -> None:
    per = await portal.employer()
    for number in range(5):
        clock.advance(timedelta(seconds=1))
        await portal.publish(per, title=f"Stilling {number}")
    titles: list[str] = []
    address = "/positions?limit=2"
    while address:
        answer = await portal.http.get(address)
        titles.extend(item["title"] for item in answer.json()["items"])
        address = answer.links.get("next", {}).get("url", "")
    assert titles == [f"Stilling {number}" for number in (4, 3, 2, 1, 0)]


async def test_the_same_advert_under_its_external_id_is_published_once(portal: Portal) -> None:
    per = await portal.employer()
    first = await portal.publish(per, external_id="A-1")
    again = await portal.publish(per, external_id="A-1", title="SYKEPLEIER,  natt", description_html="<p>Nytt</p>")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (await published(portal.service)).count("position.published.v1") == 1


async def test_another_advert_under_a_used_external_id_is_refused(portal: Portal) -> None:
    per = await portal.employer()
    await portal.publish(per, external_id="A-1")
    answer = await portal.publish(per, external_id="A-1", place="Tromsø")
    assert (answer.status_code, slug(answer)) == (409, "external-id-taken")


async def test_external_ids_of_two_employers_do_not_meet(portal: Portal) -> None:
    per = await portal.employer()
    other = await portal.employer(employer={"name": "Dal skole", "orgnr": "923609016"})
    answers = [await portal.publish(account, external_id="A-1") for account in (per, other)]
    assert statuses(answers) == [201, 201]


async def test_one_advert_imported_many_times_at_once_is_published_once(portal: Portal) -> None:
    per = await portal.employer()
    answers = await asyncio.gather(*(portal.publish(per, external_id="A-1") for _ in range(4)))
    assert statuses(answers) == [200, 200, 200, 201]
    assert await count(portal.service, "positions") == 1


async def test_an_advert_with_a_fault_is_refused(portal: Portal) -> None:
    per = await portal.employer()
    for field, value in FAULTS:
        answer = await portal.publish(per, **{field: value})
        assert (field, answer.status_code, slug(answer)) == (field, 422, "invalid-request")
    assert await count(portal.service, "positions") == 0


async def test_a_job_seeker_publishes_nothing(portal: Portal) -> None:
    assert (await portal.publish(await portal.job_seeker())).status_code == 403


async def test_a_position_is_published_while_the_keyring_is_away_because_it_is_about_nobody(
    portal: Portal, keyring: KeyringServer
) -> None:
    per = await portal.employer()
    keyring.unavailable = True
    assert (await portal.publish(per)).status_code == 201


async def test_a_position_tells_nothing_of_who_published_it(portal: Portal) -> None:
    per = await portal.employer()
    await portal.publish(per, expires_at="2026-06-01T12:00:00Z")
    async with borrow(portal.service.database.pool) as connection:
        for table in ("positions", "work"):
            [row] = await connection.fetch(f"SELECT t::text AS row FROM {table} t")
            assert str(per.subject_id) not in row["row"]


async def test_a_position_that_is_not_there_is_not_found(portal: Portal) -> None:
    assert (await portal.http.get(f"/positions/{uuid4()}")).status_code == 404
