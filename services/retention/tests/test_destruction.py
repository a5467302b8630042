"""A destroyed key: written down before anything else, and destroyed again in whatever database forgot it."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
from chassis.keys import KeyName
from chassis.sql import borrow, connect
from chassis.testing.containers import free_port
from contracts.privacy import SubjectErased
from retention_service import ledger_state, subject_keys
from retention_service.destroyed_ledger import FILE, BadLedger, Destroyed
from retention_service.keyring import Keyring

from .keyring_steps import destroy, keep_database, put_back
from .rig import Rig, new_subject, opened, serving

USER = "user_information"


async def test_a_process_that_is_killed_between_the_ledger_and_the_row_has_destroyed_the_key(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = new_subject()
    await rig.make(subject)

    class Killed(BaseException):
        pass

    async def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(subject_keys, "destroy", killed)
        with pytest.raises(Killed):
            await destroy(rig, subject, [USER])
    async with opened(rig.settings, rig.clock) as anew:
        await Keyring.told_by(rig.settings).ready(anew.database)
    assert await rig.key("profile", subject, USER) is None
    assert await rig.key("profile", subject, "application") is not None


async def test_without_its_ledger_nothing_is_destroyed_and_the_erasure_waits(rig: Rig) -> None:
    subject = new_subject()
    await rig.make(subject)
    await rig.delete(subject)
    await rig.answer((await rig.requests())[0])
    await rig.pass_fence(subject)
    await rig.work("tell_recipients")
    await rig.work("last_mail")
    await rig.end_last_mails()
    ledger = rig.settings.kek_dir / FILE
    whole = ledger.read_bytes()
    ledger.write_bytes(b"none of ours")
    await rig.work("destroy_keys")
    assert await rig.stage(subject) == "destroying"
    async with borrow(rig.service.database.pool) as connection:
        rows = await subject_keys.of_subject(connection, subject)
    assert all(row.wrapped is not None for row in rows)
    ledger.write_bytes(whole)
    rig.clock.advance(rig.lease)
    await rig.work("destroy_keys")
    assert await rig.stage(subject) == "done"
    assert await rig.key("profile", subject, USER) is None


@pytest.mark.parametrize("asked", [True, False], ids=["asked since", "idle since"])
async def test_a_database_that_goes_back_in_time_under_a_running_process_is_noticed_by_the_next_request(
    rig: Rig, asked: bool
) -> None:
    subject, other = new_subject(), new_subject()
    await rig.make(subject)
    await rig.make(other)
    before = await keep_database(rig)
    await destroy(rig, subject, [USER, "application"])
    if asked:
        assert await rig.key("profile", subject, USER) is None
    await put_back(rig, before)
    assert await rig.key("profile", subject, USER) is None
    assert (await rig.make(subject, ["application"])).json()["keys"][0]["key"] is None
    assert await rig.key("profile", other, USER) is not None


async def test_a_process_that_starts_on_a_restored_database_serves_nothing_before_the_ledger_is_taken_in(
    rig: Rig,
) -> None:
    people = [new_subject() for _ in range(3)]
    for subject in people:
        await rig.make(subject)
    before = await keep_database(rig)
    for subject in people:
        await destroy(rig, subject, [USER])
    await put_back(rig, before)
    later = rig.settings.model_copy(update={"http_port": free_port()})
    async with opened(later, rig.clock) as anew, serving(anew, later, later.http_port):
        there = replace(rig, service=anew, url=f"http://127.0.0.1:{later.http_port}")
        answer = await there.fetch("profile", *((subject, USER) for subject in people))
        assert (await anew.health.ready()).ok
    assert [key["key"] for key in answer.json()["keys"]] == [None] * 3


async def test_a_damaged_ledger_keeps_every_key_closed_and_the_service_unready(rig: Rig) -> None:
    subject = new_subject()
    await rig.make(subject)
    before = await keep_database(rig)
    await destroy(rig, subject, [USER])
    await put_back(rig, before)
    ledger = rig.settings.kek_dir / FILE
    content = bytearray(ledger.read_bytes())
    content[-20] ^= 1
    ledger.write_bytes(content)
    answer = await rig.fetch("profile", (subject, USER))
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert not (await rig.service.health.ready()).ok
    with pytest.raises(BadLedger, match="restore it from its copy"):
        await Keyring.told_by(rig.settings).ready(rig.service.database)


async def test_a_ledger_that_was_lost_is_made_again_from_the_database_before_the_next_name_is_written(rig: Rig) -> None:
    first, second = new_subject(), new_subject()
    await destroy(rig, first, [USER])
    (rig.settings.kek_dir / FILE).unlink()
    await destroy(rig, second, [USER])
    ledger = Keyring.told_by(rig.settings).destruction.ledger
    assert {one.name for one in ledger.read(0).destroyed} == {KeyName(first, USER), KeyName(second, USER)}


async def test_names_are_written_down_in_the_order_of_their_commits(rig: Rig) -> None:
    """So that a place says what a database has: all before it, and nothing behind it."""
    ledger = Keyring.told_by(rig.settings).destruction.ledger
    people = [new_subject() for _ in range(20)]
    await asyncio.gather(*(destroy(rig, subject, [USER]) for subject in people))
    async with borrow(rig.service.database.pool) as connection:
        applied = await connection.fetchval("SELECT applied FROM ledger_state")
    assert applied == ledger.end()
    assert {d.name.subject_id for d in ledger.read(0).destroyed} == set(people)


async def test_who_tries_again_after_being_killed_writes_no_name_twice(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = new_subject()
    await rig.make(subject)

    class Killed(BaseException):
        pass

    advance = ledger_state.advance
    for _ in range(3):
        calls = 0

        async def killed_in_the_end(*arguments: object) -> None:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise Killed
            await advance(*arguments)  # pyright: ignore[reportArgumentType]

        with monkeypatch.context() as patch:
            patch.setattr(ledger_state, "advance", killed_in_the_end)
            with suppress(Killed):
                await destroy(rig, subject, [USER])
    await destroy(rig, subject, [USER])
    ledger = Keyring.told_by(rig.settings).destruction.ledger
    assert [one.name for one in ledger.read(0).destroyed] == [KeyName(subject, USER)]


async def test_a_keyring_that_is_away_for_an_hour_in_mid_erasure_holds_it_up_and_then_it_ends(rig: Rig) -> None:
    """Neither its own answers nor the directory of its keys can be had: nothing is told, and nothing is written down."""
    subject = new_subject()
    await rig.make(subject)
    await rig.delete(subject)
    await rig.answer((await rig.requests())[0])
    alone = rig.settings.model_copy(update={"keyring_url": "http://127.0.0.1:9"})
    async with opened(alone, rig.clock) as without:
        away = rig.taken_over_by(without)
        await away.without_fence(subject)
        for _ in range(12):
            rig.clock.advance(timedelta(minutes=5))
            await away.behind_the_fence()
    assert await rig.stage(subject) == "mailing"  # what the mail says is sealed under a key that nobody gives
    rig.clock.advance(timedelta(minutes=5))
    await rig.work("last_mail")
    await rig.end_last_mails()
    directory = rig.settings.kek_dir
    assert Keyring.told_by(rig.settings).destruction.ledger.read(0).destroyed == []
    directory.rename(directory.with_name("unmounted"))
    for _ in range(12):
        rig.clock.advance(timedelta(minutes=5))
        await rig.work("destroy_keys")
    assert await rig.stage(subject) == "destroying"
    assert await rig.published(SubjectErased) == []
    directory.with_name("unmounted").rename(directory)
    rig.clock.advance(timedelta(minutes=15))
    await rig.work("destroy_keys")
    assert await rig.stage(subject) == "done"
    assert len(await rig.published(SubjectErased)) == 1
    assert await rig.key("profile", subject, USER) is None


async def test_a_process_that_is_frozen_while_it_destroys_holds_up_nobody_and_its_key_is_gone_already(rig: Rig) -> None:
    subject, other = new_subject(), new_subject()
    await rig.make(subject)
    await rig.make(other)
    key = await rig.key("profile", other, USER)
    destruction = Keyring.told_by(rig.settings).destruction
    frozen = await connect(rig.database.dsn)
    try:
        async with frozen.transaction():
            await destruction.destroy(frozen, [Destroyed(KeyName(subject, USER), rig.clock.now())])
            async with asyncio.timeout(2):
                assert await rig.key("profile", subject, USER) is None
                assert (await rig.make(other)).status_code == 200
                assert await rig.key("profile", other, USER) == key
            frozen.terminate()
    except (asyncpg.InterfaceError, asyncpg.PostgresError):
        pass
    assert await rig.key("profile", subject, USER) is None
    assert (await rig.service.health.ready()).ok
    async with borrow(rig.service.database.pool) as connection:
        rows = await subject_keys.find(connection, [KeyName(subject, USER)])
    assert rows[KeyName(subject, USER)].wrapped is None, "readiness took it in"
