"""What PostgreSQL empties in a crash or a restore is made anew of the sealed interests, and nobody is missed meanwhile."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID

import pytest
from chassis.errors import BeingMade, KeyringUnavailable
from chassis.service import Service
from chassis.sql import borrow
from chassis.testing.containers import Kafka, Postgres, connected
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import another_process, surroundings
from chassis.work import AT_ONCE
from contracts.personal import Category
from notifications_service import interest_search_made, make_interest_search
from notifications_service.app import build
from notifications_service.interest_search_made import BEFORE_ALL, Made
from notifications_service.make_interest_search import MAKE_INTEREST_SEARCH, make_if_missing
from notifications_service.settings import NotificationsSettings

from .at_work import at_work, becomes
from .rig import EVERYTHING, Person, count, do_work, everything_stored, known, position, say, stands_in, waiting
from .smtp_server import Catcher


async def emptied(service: Service) -> None:
    """As a crash, a promotion or a restored dump leaves unlogged tables."""
    async with connected(surroundings(service).database.migration_dsn) as owner:
        await owner.execute("TRUNCATE interest_search_made, interest_search")


async def searched(service: Service) -> set[tuple[UUID, UUID, str, str | None]]:
    async with borrow(service.database.pool) as connection:
        rows = await connection.fetch("SELECT interest_id, subject_id, occupation, place FROM interest_search")
    return {(row["interest_id"], row["subject_id"], row["occupation"], row["place"]) for row in rows}


async def is_whole(service: Service) -> bool:
    async with borrow(service.database.pool) as connection:
        made = await interest_search_made.find(connection)
    return made is not None and made.whole


async def ready(service: Service) -> bool:
    return (await service.health.ready()).parts["interests can be searched"]


async def test_a_new_database_has_everybody_in_its_search(service: Service) -> None:
    assert await is_whole(service)
    assert await ready(service)


async def test_an_emptied_search_is_made_anew_as_it_was_and_until_then_the_service_is_not_ready(
    service: Service,
) -> None:
    one, other = Person(), Person()
    await known(service, one, other)
    await say(service, one.wants(" SYKEPLEIER "), other.wants("Lærer", None))
    before = await searched(service)
    assert {(row[2], row[3]) for row in before} == {("sykepleier", "bodø"), ("lærer", None)}
    await emptied(service)
    assert not await ready(service)
    await make_if_missing(service)
    assert await searched(service) == before
    assert await ready(service)


async def test_a_position_waits_for_the_search_and_then_reaches_everybody(service: Service, catcher: Catcher) -> None:
    await known(service, Person())
    await emptied(service)
    advert = position()
    with pytest.raises(BeingMade):
        await say(service, advert)
    assert (await count(service, "positions"), await count(service, "parked")) == (0, 0)
    await make_if_missing(service)
    await say(service, advert)
    await do_work(service, "job_alert", "mail")
    assert len(catcher.mails) == 1


async def test_an_alert_that_is_due_waits_for_the_search(service: Service, catcher: Catcher) -> None:
    await known(service, Person())
    await say(service, position())
    await emptied(service)
    await do_work(service, "job_alert", "mail")
    assert (catcher.mails, await waiting(service, "job_alert")) == ([], 1)


async def test_a_search_that_is_whole_is_left_alone(service: Service) -> None:
    person = Person()
    await known(service, person)
    async with borrow(service.database.pool) as connection:
        await connection.execute("DELETE FROM interest_search")
        await make_if_missing(service)
    assert await searched(service) == set()


async def test_whoever_has_no_key_any_more_is_left_out(service: Service, keyring: KeyringServer) -> None:
    stays, leaves = Person(), Person()
    await known(service, stays, leaves)
    await emptied(service)
    keyring.destroy(leaves.subject_id, [Category.USER_INFORMATION])
    service.keys.drop(leaves.subject_id, [Category.USER_INFORMATION])
    await make_if_missing(service)
    assert {row[1] for row in await searched(service)} == {stays.subject_id}


async def test_a_damaged_interest_keeps_nobody_else_from_being_found(service: Service) -> None:
    whole, damaged = Person(), Person()
    await known(service, whole, damaged)
    async with borrow(service.database.pool) as connection:
        await connection.execute(
            "UPDATE interests SET words = set_byte(words, length(words) - 1, 255 - get_byte(words, length(words) - 1))"
            " WHERE subject_id = $1",
            damaged.subject_id,
        )
    await emptied(service)
    await make_if_missing(service)
    assert {row[1] for row in await searched(service)} == {whole.subject_id}
    assert await is_whole(service)


async def test_without_the_keyring_nothing_is_made_and_nobody_is_answered(
    service: Service, keyring: KeyringServer
) -> None:
    await known(service, Person())
    await emptied(service)
    assert isinstance(service.settings, NotificationsSettings)
    fresh = another_process(service, build, service.settings)
    async with AsyncExitStack() as stack:
        await fresh.open(stack)
        keyring.unavailable = True
        with pytest.raises(KeyringUnavailable):
            await make_if_missing(fresh)
        assert not await is_whole(service)
        keyring.unavailable = False
        await make_if_missing(fresh)
    assert await is_whole(service)


async def test_a_page_of_a_search_that_was_emptied_or_made_by_another_is_not_counted(service: Service) -> None:
    """A crash between two pages, which the connections of the maker need not notice."""
    await emptied(service)
    async with borrow(service.database.pool) as connection:
        await interest_search_made.begin(connection)
        assert await interest_search_made.advance(connection, BEFORE_ALL, to=UUID(int=5))
        assert not await interest_search_made.advance(connection, BEFORE_ALL, to=UUID(int=6))
        await emptied(service)
        assert not await interest_search_made.advance(connection, UUID(int=5), to=UUID(int=9))
        await interest_search_made.end(connection, UUID(int=5))
        assert await interest_search_made.find(connection) is None
        await interest_search_made.begin(connection)
        await interest_search_made.end(connection, UUID(int=5))
        assert await interest_search_made.find(connection) == Made(BEFORE_ALL, whole=False)


async def test_what_was_begun_is_gone_on_with_where_it_stopped(service: Service, keyring: KeyringServer) -> None:
    people = [Person() for _ in range(3)]
    await known(service, *people)
    before = await searched(service)
    async with borrow(service.database.pool) as connection:
        await connection.execute("UPDATE interest_search_made SET whole = false, made_to = $1", min(before)[0])
        await connection.execute("DELETE FROM interest_search WHERE interest_id > $1", min(before)[0])
    asked = keyring.keys_fetched
    await make_if_missing(service)
    assert await searched(service) == before
    assert keyring.keys_fetched == asked, "their keys are at hand"


async def test_a_turn_of_the_worker_ends_in_time_and_the_next_one_goes_on(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_interest_search, "PAGE", 2)
    monkeypatch.setattr(make_interest_search, "TURN_SECONDS", 0.0)
    await known(service, *(Person() for _ in range(3)))
    before = await searched(service)
    await emptied(service)
    turns: list[int] = []
    while not await is_whole(service):
        await do_work(service, MAKE_INTEREST_SEARCH)
        async with borrow(service.database.pool) as connection:  # as two seconds later
            await connection.execute("UPDATE work SET due_at = $1 WHERE kind = $2", AT_ONCE, MAKE_INTEREST_SEARCH)
        turns.append(await count(service, "interest_search"))
    assert turns[:3] == [0, 2, 3]
    assert await searched(service) == before


async def test_a_search_that_is_emptied_while_two_make_it_has_everybody_in_the_end(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_interest_search, "PAGE", 1)
    await known(service, *(Person() for _ in range(20)))
    before = await searched(service)
    await emptied(service)

    async def interrupt() -> None:
        for _ in range(4):
            await becomes(True, lambda: any_found(service))
            await emptied(service)

    await asyncio.gather(make_if_missing(service), make_if_missing(service), interrupt())
    await make_if_missing(service)
    assert await searched(service) == before


async def any_found(service: Service) -> bool:
    return bool(await count(service, "interest_search_made"))


async def test_what_was_saved_between_a_makers_look_and_a_crash_is_found_although_its_id_is_passed_over(
    service: Service,
) -> None:
    first, late = Person(interest_id=UUID(int=2)), Person(interest_id=UUID(int=1))
    await known(service, first)
    await emptied(service)
    async with connected(surroundings(service).database.migration_dsn) as other, other.transaction():
        await other.fetchval("SELECT subject_id FROM subjects WHERE subject_id = $1 FOR UPDATE", first.subject_id)
        making = asyncio.create_task(make_if_missing(service))
        await becomes(1, lambda: waiting_for_a_lock(service))
        await known(service, late)
        await emptied(service)
        async with borrow(service.database.pool) as connection:
            await interest_search_made.begin(connection)
    await making
    assert {row[1] for row in await searched(service)} == {first.subject_id, late.subject_id}


async def waiting_for_a_lock(service: Service) -> int:
    async with borrow(service.database.pool) as connection:
        return await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )


async def test_what_is_saved_removed_and_erased_while_it_is_made_is_found_as_it_is_then(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_interest_search, "PAGE", 3)
    people = [Person() for _ in range(24)]
    await known(service, *people)
    await emptied(service)
    late, gone, moved = [Person() for _ in range(6)], people[:8], people[8:16]

    async def change() -> None:
        for new, leaving, moving in zip(late, gone[:6], moved, strict=False):
            await known(service, new)
            await say(service, moving.wants("Lærer", "Alta"))
            await say(service, leaving.to_be_erased() if leaving in gone[::2] else leaving.wants_no_more())

    await asyncio.gather(make_if_missing(service), change())
    assert await is_whole(service)
    expected = {
        *((who.interest_id, who.subject_id, "sykepleier", "bodø") for who in (*people[14:], *gone[6:], *late)),
        *((who.interest_id, who.subject_id, "lærer", "alta") for who in moved[:6]),
    }
    assert await searched(service) == expected


async def test_an_interest_goes_from_the_search_with_its_row_and_with_its_person(service: Service) -> None:
    removes, leaves = Person(), Person()
    await known(service, removes, leaves)
    await say(service, removes.wants_no_more())
    assert {row[1] for row in await searched(service)} == {leaves.subject_id}
    await say(service, leaves.to_be_erased(frozenset({Category.USER_INFORMATION})))
    assert await searched(service) == set()


async def test_of_an_interest_nothing_is_readable_outside_its_search(service: Service) -> None:
    await known(service, Person())
    assert stands_in(await everything_stored(service), "sykepleier")
    await emptied(service)
    stored = await everything_stored(service)
    assert not stands_in(stored, "sykepleier")
    assert not stands_in(stored, "bodø")


async def test_a_database_that_is_killed_under_a_working_service_finds_everybody_again(
    postgres: Postgres, kafka: Kafka, topic_prefix: str, keyring: KeyringServer, catcher: Catcher
) -> None:
    person = Person()
    keyring.make(person.subject_id, EVERYTHING)
    async with at_work(postgres, kafka, topic_prefix, keyring, catcher) as (service, say):
        await say(person.registered())
        await say(person.wants())
        await becomes(1, lambda: count(service, "interest_search"))
        await postgres.crash()
        async with connected(surroundings(service).database.admin_dsn) as admin:
            kept = await admin.fetchval("SELECT count(*) FROM interests")
        assert kept == 1
        await say(position())
        await becomes([person.email], lambda: recipients(catcher))
        await becomes(True, lambda: ready(service))


async def recipients(catcher: Catcher) -> list[str]:
    return list(catcher.recipients)
