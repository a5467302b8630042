"""Keys are asked for in bulk, believed for five minutes, and once destroyed never come back, whatever answer is late."""

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
import uvloop
from chassis.errors import KeyringUnavailable, SubjectGone
from chassis.keys import CACHE_SIZE, CACHE_TIME, FETCH_SIZE, LOG_KEY, KeyName, SubjectKeys
from chassis.protocol import drop_keys
from chassis.scoped_keys import Scope, single
from chassis.testing.services import surroundings
from contracts.personal import Category, SubjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from .town import CATEGORIES, PROFILE_ONLY, Town

USER = Category.USER_INFORMATION


@pytest_asyncio.fixture(autouse=True)
async def keyring_at_hand(town: Town) -> AsyncGenerator[None]:
    yield
    town.keyring.unavailable = False


async def has(keys: SubjectKeys, subject: SubjectId, category: Category = USER) -> bool:
    name = KeyName(subject, category)
    return (await keys.fetch([name])).find(name) is not None


async def test_a_key_is_asked_for_once_in_five_minutes(town: Town) -> None:
    keys, subject = town.service.keys, town.person()
    assert await has(keys, subject)
    asked = town.keyring.requests["/keys/fetch"]
    town.clock.advance(CACHE_TIME)
    assert await has(keys, subject)
    assert town.keyring.requests["/keys/fetch"] == asked
    town.clock.advance(timedelta(seconds=1))
    assert await has(keys, subject)
    assert town.keyring.requests["/keys/fetch"] == asked + 1


async def test_a_destruction_that_was_missed_goes_unnoticed_for_five_minutes_at_most(town: Town) -> None:
    keys, subject = town.service.keys, town.person()
    assert await has(keys, subject)
    town.keyring.destroy(subject, PROFILE_ONLY)
    town.clock.advance(CACHE_TIME + timedelta(microseconds=1))
    assert not await has(keys, subject)
    assert not await has(keys, subject)


async def test_a_key_that_was_fetched_while_the_clock_was_ahead_is_not_believed_until_it_is_that_late(
    town: Town,
) -> None:
    keys, subject, right = town.service.keys, town.person(), town.clock.now()
    town.clock.advance(timedelta(hours=6))
    assert await has(keys, subject)
    town.clock.set(right)
    town.keyring.destroy(subject, PROFILE_ONLY)
    assert not await has(keys, subject)


async def test_a_keyring_that_resets_every_connection_is_unavailable_and_nothing_else(town: Town) -> None:
    """As processes run, on uvloop: a reset while the connection is made is no error of the HTTP client's there."""
    server = socket.create_server(("127.0.0.1", 0), backlog=200)
    signer = surroundings(town.service).identities.signer("profile", town.clock)

    def reset_all() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()

    async def ask() -> None:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url, timeout=5) as http:
            keys = SubjectKeys(http, signer, town.clock, CATEGORIES)
            for _ in range(30):
                asked = [keys.fetch([KeyName(SubjectId(uuid4()), USER)]) for _ in range(10)]
                outcomes = await asyncio.gather(*asked, return_exceptions=True)
                assert {type(outcome) for outcome in outcomes} == {KeyringUnavailable}

    resetting = threading.Thread(target=reset_all)
    resetting.start()
    try:
        await asyncio.to_thread(lambda: uvloop.run(ask()))
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        resetting.join()


async def test_many_keys_are_asked_for_in_parts(town: Town) -> None:
    people = [town.person() for _ in range(FETCH_SIZE + 1)]
    before, fetched = town.keyring.requests["/keys/fetch"], town.keyring.keys_fetched
    names = [KeyName(subject, USER) for subject in people]
    found = await town.service.keys.fetch([*names, *names])
    assert set(found.keys) == set(names)
    assert town.keyring.requests["/keys/fetch"] == before + 2
    assert town.keyring.keys_fetched == fetched + FETCH_SIZE + 1


async def test_a_dropped_key_is_gone_at_once_and_is_not_asked_for_again(town: Town) -> None:
    keys, subject = town.service.keys, town.person()
    assert await has(keys, subject)
    keys.drop(subject, [USER])
    asked = town.keyring.requests["/keys/fetch"]
    assert not await has(keys, subject)
    assert town.keyring.requests["/keys/fetch"] == asked
    assert await has(keys, subject, Category.COMMUNICATION)


async def test_with_the_category_go_the_keys_of_all_its_single_things(town: Town) -> None:
    keys, subject, other = town.service.keys, town.person(), town.person()
    names = [single(Scope.APPLICATION, uuid4()), single(Scope.APPLICATION, uuid4()), single(Scope.HOLD, uuid4())]
    for person in (subject, other):
        town.keyring.make(person, names)
        await keys.fetch([KeyName(person, name) for name in names])
    keys.drop(subject, [Category.APPLICATION])
    found = await keys.fetch([KeyName(person, name) for person in (subject, other) for name in names])
    assert set(found.keys) == {KeyName(subject, names[2]), *(KeyName(other, name) for name in names)}


async def test_one_thing_of_a_category_goes_and_the_others_stay(town: Town) -> None:
    keys, subject = town.service.keys, town.person()
    one, another = (KeyName(subject, single(Scope.APPLICATION, uuid4())) for _ in range(2))
    town.keyring.make(subject, [one.category, another.category])
    await keys.fetch([one, another])
    keys.drop(subject, [one.category])
    assert set((await keys.fetch([one, another])).keys) == {another}


async def test_a_drop_wins_over_an_answer_that_is_under_way(town: Town) -> None:
    keys, subject = town.service.keys, town.person()
    under_way = asyncio.create_task(has(keys, subject))
    await asyncio.sleep(0)
    keys.drop(subject, [USER])
    assert not await under_way
    assert not await has(keys, subject)


async def test_a_key_that_was_made_is_at_hand_and_a_destroyed_one_is_not_made_again(town: Town) -> None:
    keys, subject = town.service.keys, SubjectId(uuid4())
    await keys.make(subject, CATEGORIES)
    asked = town.keyring.requests["/keys/fetch"]
    assert await has(keys, subject)
    assert town.keyring.requests["/keys/fetch"] == asked
    await keys.make(subject, CATEGORIES)
    town.keyring.destroy(subject, PROFILE_ONLY)
    with pytest.raises(SubjectGone, match="was destroyed"):
        await keys.make(subject, CATEGORIES)


async def test_a_key_that_was_never_made_is_absent_and_not_an_error(town: Town) -> None:
    keys, nobody = town.service.keys, SubjectId(uuid4())
    assert not await has(keys, nobody)
    with pytest.raises(SubjectGone, match="no key for category user_information"):
        (await keys.fetch([KeyName(nobody, USER)])).need(KeyName(nobody, USER))


async def test_without_the_keyring_what_is_cached_serves_and_the_rest_waits(town: Town) -> None:
    keys, known, unknown = town.service.keys, town.person(), town.person()
    assert await has(keys, known)
    town.keyring.unavailable = True
    assert await has(keys, known)
    with pytest.raises(KeyringUnavailable, match="answered 503"):
        await has(keys, unknown)
    with pytest.raises(KeyringUnavailable):
        await keys.make(unknown, CATEGORIES)
    town.keyring.unavailable = False
    assert await has(keys, unknown)


async def test_a_keyring_that_is_gone_is_unavailable_and_comes_back(town: Town) -> None:
    keys, subject = town.service.keys, town.person()
    await town.keyring.stop()
    try:
        with pytest.raises(KeyringUnavailable, match="did not answer"):
            await has(keys, subject)
    finally:
        await town.keyring.start()
    assert await has(keys, subject)


async def test_the_keyring_refusing_us_is_no_reason_to_write_in_the_clear(town: Town) -> None:
    keys, subject = town.service.keys, town.person()
    too_many = [KeyName(subject, "c" * 5)]
    assert (await keys.fetch(too_many)).keys == {}
    with pytest.raises(SubjectGone):
        (await keys.fetch(too_many)).need(too_many[0])


async def test_the_log_key_is_no_reason_to_wait_until_it_is_needed(town: Town) -> None:
    async with _fresh_keys(town) as keys:
        town.keyring.unavailable = True
        found = await keys.fetch([LOG_KEY])
        assert found.find(LOG_KEY) is None
        with pytest.raises(KeyringUnavailable, match="log's key"):
            found.need(LOG_KEY)
        town.keyring.unavailable = False
        assert (await keys.fetch([LOG_KEY])).find(LOG_KEY) is not None
        town.clock.advance(CACHE_TIME * 10)
        town.keyring.unavailable = True
        assert (await keys.fetch([LOG_KEY])).find(LOG_KEY) is not None


async def test_the_names_for_people_are_those_this_service_may_have(town: Town) -> None:
    subject = SubjectId(uuid4())
    names = town.service.keys.names_for([subject])
    assert set(names) == {LOG_KEY, *(KeyName(subject, category) for category in CATEGORIES)}


async def test_memory_is_bounded_and_the_youngest_keys_stay(town: Town) -> None:
    async with _fresh_keys(town) as keys:
        first = town.person()
        assert await has(keys, first)
        for _ in range(CACHE_SIZE + 1):
            keys.drop(SubjectId(uuid4()), [USER])
        assert await has(keys, first)


async def test_a_notification_drops_exactly_what_it_names(town: Town) -> None:
    keys, subject = town.service.keys, town.person()
    assert await has(keys, subject)
    drop_keys(keys, f"{subject} {Category.COMMUNICATION}")
    assert await has(keys, subject)
    drop_keys(keys, f"{subject} {Category.COMMUNICATION} {USER}")
    assert not await has(keys, subject)


@settings(max_examples=15, deadline=None)
@given(steps=st.lists(st.sampled_from(["fetch", "make", "drop", "destroy", "wait", "away", "back"]), max_size=14))
async def test_keys_of_a_destroyed_person_never_come_back(shared_town: Town, steps: list[str]) -> None:
    town = shared_town
    keys, subject = town.service.keys, town.person()
    destroyed = False
    under_way: list[asyncio.Task[bool]] = []
    for step in [*steps, "drop"]:
        if step == "fetch":
            under_way.append(asyncio.create_task(has(keys, subject)))
            await asyncio.sleep(0)
        if step == "make":
            with suppress(SubjectGone, KeyringUnavailable):
                await keys.make(subject, PROFILE_ONLY)
        if step in ("drop", "destroy"):
            town.keyring.destroy(subject, PROFILE_ONLY)
            destroyed = True
        if step == "drop":
            keys.drop(subject, PROFILE_ONLY)
        if step == "wait":
            town.clock.advance(CACHE_TIME * 2)
        town.keyring.unavailable = step == "away" or (town.keyring.unavailable and step != "back")
    town.keyring.unavailable = False
    await asyncio.gather(*under_way, return_exceptions=True)
    assert destroyed
    assert not await has(keys, subject)
    with pytest.raises(SubjectGone):
        await keys.make(subject, PROFILE_ONLY)
    assert not await has(keys, subject)


@asynccontextmanager
async def _fresh_keys(town: Town) -> AsyncGenerator[SubjectKeys]:
    """Keys as a process sees them that has just started."""
    signer = surroundings(town.service).identities.signer("notifications", town.clock)
    async with httpx.AsyncClient(base_url=town.keyring.url) as http:
        yield SubjectKeys(http, signer, town.clock, CATEGORIES)
