"""Rotation: every living key goes under the new key-encryption key, and the old one goes only when nothing needs it."""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Coroutine
from contextvars import Context
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from chassis.keys import KeyName
from chassis.sql import borrow
from chassis.testing.containers import Postgres
from contracts.personal import SubjectId
from retention_service import kek, keyring_backup, rotate_keys, rotations, subject_keys
from retention_service.kek import BadKeks, KeyEncryptionKeys
from retention_service.keyring import Keyring
from retention_service.make_keys import make_keys
from retention_service.prove_backup import prove_elsewhere
from retention_service.rotate_keys import ROTATE_KEYS

from .keyring_steps import destroy, epochs_of, keep_database, put_back, rotate
from .rig import Rig, new_subject, opened, running_api

USER = "user_information"
T = TypeVar("T")


async def some_people(rig: Rig, count: int = 5) -> dict[SubjectId, bytes]:
    people = [new_subject() for _ in range(count)]
    for subject in people:
        await rig.make(subject)
    keys = {subject: await rig.key("profile", subject, USER) for subject in people}
    return {subject: key for subject, key in keys.items() if key is not None}


async def test_every_key_is_what_it_was_under_the_new_epoch_and_the_old_one_is_gone(rig: Rig) -> None:
    people = await some_people(rig)
    rotation = await rotate(rig)
    assert (rotation["stage"], rotation["epoch"], rotation["destroyed"]) == ("done", 2, [1])
    assert rotation["keys"] == rotation["rewrapped"] == rotation["backup_keys"] == rotation["proved_keys"] == 26
    assert await epochs_of(rig) == {2}
    assert {subject: await rig.key("profile", subject, USER) for subject in people} == people
    assert sorted(file.name for file in rig.settings.kek_dir.glob("epoch*")) == [
        "epoch-000001.destroyed",
        "epoch-000002.kek",
    ]


async def test_a_backup_from_before_a_rotation_revives_nobody(rig: Rig) -> None:
    people = await some_people(rig)
    before = await keep_database(rig)
    for subject in people:
        await destroy(rig, subject, [USER])
    await rotate(rig)
    await put_back(rig, before)
    for subject in people:
        answer = await rig.fetch("profile", (subject, USER))
        assert answer.status_code == 200, "the ledger was taken in first"
        assert answer.json()["keys"][0]["key"] is None
        assert (await rig.fetch("profile", (subject, "application"))).status_code == 503
    with pytest.raises(BadKeks, match="a rotation destroyed: it is a backup from before"):
        await Keyring.told_by(rig.settings).ready(rig.service.database)


async def test_a_key_that_is_destroyed_while_its_batch_is_re_wrapped_stays_destroyed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The destruction comes at every moment that a batch leaves open: before it is held, and while it is."""
    people = list(await some_people(rig, 12))
    under_way: list[asyncio.Task[None]] = []
    hold = subject_keys.hold_older

    async def held_meanwhile(*arguments: object) -> list[subject_keys.SubjectKey]:
        if people:
            await aside(destroy(rig, people.pop(), [USER]))
        rows = await hold(*arguments)  # pyright: ignore[reportArgumentType]
        if people:
            under_way.append(aside(destroy(rig, people.pop(), [USER])))
            await asyncio.sleep(0.01)
        return rows

    all_people = list(people)
    monkeypatch.setattr(subject_keys, "hold_older", held_meanwhile)
    monkeypatch.setattr(rotate_keys, "BATCH", 7)
    assert (await rotate(rig))["stage"] == "done"
    await asyncio.gather(*under_way)
    gone = [subject for subject in all_people if subject not in people]
    assert len(gone) >= 4
    for subject in gone:
        assert await rig.key("profile", subject, USER) is None
        assert (await rig.make(subject, [USER])).json()["keys"][0]["key"] is None
    for subject in people:
        assert await rig.key("profile", subject, USER) is not None


async def test_services_make_fetch_and_destroy_keys_all_the_while_and_lose_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate_keys, "BATCH", 5)
    known = await some_people(rig, 20)
    rotating = asyncio.create_task(rotate(rig))
    destroyed: set[SubjectId] = set()
    while not rotating.done():
        subject = new_subject()
        assert (await rig.make(subject)).status_code == 201
        key = await rig.key("profile", subject, USER)
        assert key is not None
        known[subject] = key
        some = next(iter(known.keys() - destroyed))
        await destroy(rig, some, [USER])
        destroyed.add(some)
        rig.clock.advance(timedelta(milliseconds=20))  # however long it takes, nobody asks too often
    assert (await rotating)["stage"] == "done"
    assert await epochs_of(rig) == {2}
    answer = (await rig.fetch("profile", *((subject, USER) for subject in known))).json()
    found = {who: one["key"] for who, one in zip(known, answer["keys"], strict=True)}
    assert found == {who: None if who in destroyed else b64encode(key).decode() for who, key in known.items()}


async def test_a_process_that_knows_only_the_old_epoch_wraps_nothing_under_it_any_more(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = Keyring.told_by(rig.settings).store
    old = stale.current()
    await rotate(rig)
    monkeypatch.setattr(stale, "current", lambda: old)  # the directory's time did not move
    subject = new_subject()
    async with rig.service.database.transaction(keys=()) as tx:
        made = await make_keys(tx, stale, [KeyName(subject, USER)])
    (row,) = made.keys.values()
    assert row.wrapped is not None
    assert row.wrapped.epoch == 2
    assert await rig.key("profile", subject, USER) is not None


async def test_a_writer_that_is_frozen_holding_the_old_epoch_holds_up_the_beginning_and_is_re_wrapped(rig: Rig) -> None:
    """It read the epoch and wrapped; the rotation can't begin before it has committed, and then finds its key."""
    subject = new_subject()
    store = Keyring.told_by(rig.settings).store
    async with rig.service.database.transaction(keys=()) as tx:
        await make_keys(tx, store, [KeyName(subject, USER)])
        rotating = aside(rotate(rig))
        await rig.until_somebody_waits_for_a_lock()
        assert not rotating.done()
        assert (await rig.get("/keyring/rotation")).json()["latest"]["stage"] == "beginning"
    assert (await rotating)["stage"] == "done"
    assert await epochs_of(rig) == {2}
    assert await rig.key("profile", subject, USER) is not None


async def test_a_key_that_is_found_under_the_old_epoch_before_the_destruction_sends_it_back(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can write one; if somebody did, by hand, nothing would be destroyed until it is re-wrapped and backed up."""
    await some_people(rig)
    smuggled = new_subject()
    old = kek.load(rig.settings.kek_dir).wrap(smuggled, USER, b"k" * 32)
    seen = 0

    async def smuggle(*arguments: object) -> int:
        nonlocal seen
        seen += 1
        opened = await prove_elsewhere(*arguments)  # pyright: ignore[reportArgumentType]
        if seen == 1:
            async with borrow(rig.service.database.pool) as connection:
                name = KeyName(smuggled, USER)
                await subject_keys.insert_new(
                    connection, [subject_keys.NewKey(name, old)], rig.clock.now(), confirmed=True
                )
        return opened

    monkeypatch.setattr(rotate_keys, "prove_elsewhere", smuggle)
    rotation = await rotate(rig)
    assert (rotation["stage"], seen) == ("done", 2)
    assert await rig.key("profile", smuggled, USER) == b"k" * 32


async def test_a_rotation_that_is_killed_after_any_step_is_taken_up_by_a_process_that_knows_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = await some_people(rig)

    class Killed(BaseException):
        pass

    for name in ("begin", "all_rewrapped", "backed_up", "proved", "done"):

        async def killed(*_: object) -> None:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(rotations, name, killed)
            await rig.post("operator", "/keyring/rotation", None)
            with pytest.raises(Killed):
                await rig.work(ROTATE_KEYS)
        for subject, key in people.items():
            assert await rig.key("profile", subject, USER) == key, f"readable when killed at {name}"
        rig.clock.advance(rig.lease * 2)
    async with opened(rig.settings, rig.clock) as anew:
        assert (await rotate(rig.taken_over_by(anew)))["stage"] == "done"
    assert {subject: await rig.key("profile", subject, USER) for subject in people} == people
    assert len(list(rig.settings.kek_dir.glob("*.kek"))) == 1


@pytest.mark.parametrize("at", ["a key that does not open", "no room for the backup", "a backup that does not open"])
async def test_whatever_fails_stops_it_before_the_destruction_says_why_and_the_next_goes_on(
    rig: Rig, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = await some_people(rig)
    backups = rig.settings.backup_dir
    with monkeypatch.context() as patch:
        damaged = next(iter(people))
        if at == "a key that does not open":
            await change_wrapped(rig, damaged)
        elif at == "no room for the backup":
            backups.write_text("a file where the folder should be")
        else:
            patch.setattr(keyring_backup, "_line", without_one_byte(keyring_backup._line))  # pyright: ignore[reportPrivateUsage]
        rotation = await rotate(rig)
        assert rotation["done_at"] is None
        assert rotation["stopped_by"], at
        assert (rig.settings.kek_dir / "epoch-000001.kek").exists()
        if at == "a key that does not open":
            await change_wrapped(rig, damaged)
        elif at == "no room for the backup":
            backups.unlink()
    assert (await rotate(rig))["stage"] == "done"
    assert {subject: await rig.key("profile", subject, USER) for subject in people} == people


async def test_without_its_custody_no_epoch_is_begun(postgres: Postgres, tmp_path: Path) -> None:
    places = [tmp_path / f"place-{number}" for number in range(3)]
    for place in places:
        place.mkdir()
    async with running_api(postgres, tmp_path, kek_custody=",".join(map(str, places))) as rig:
        assert all((place / "epoch-000001.share").exists() for place in places)
        place = places[0].rename(tmp_path / "away")
        rotation = await rotate(rig)
        assert (rotation["stage"], rotation["epoch"]) == ("beginning", 0)
        assert "custody place 1 can't be written" in str(rotation["stopped_by"])
        place.rename(places[0])
        assert (await rotate(rig))["stage"] == "done"
        assert [file.name for place in places for file in place.iterdir()] == ["epoch-000002.share"] * 3


async def test_what_is_destroyed_is_out_of_the_memory_of_whoever_reads_next(rig: Rig) -> None:
    store = Keyring.told_by(rig.settings).store
    assert store.current().epochs == {1}
    await rotate(rig)
    assert store.current().epochs == {2}
    assert isinstance(store.knowing({2}), KeyEncryptionKeys)
    with pytest.raises(BadKeks, match="a rotation destroyed"):
        store.knowing({1})


async def test_only_the_operator_rotates(rig: Rig) -> None:
    assert (await rig.post("profile", "/keyring/rotation", None)).status_code == 403
    assert (await rig.get("/keyring/rotation", "stranger")).status_code == 403


def aside(work: Coroutine[None, None, T]) -> "asyncio.Task[T]":
    """As another process would do it: this task's transaction is not its own."""
    return asyncio.create_task(work, context=Context())


async def change_wrapped(rig: Rig, subject: SubjectId) -> None:
    """Flip a bit of a wrapped key; twice is as it was."""
    async with borrow(rig.service.database.pool) as connection:
        await connection.execute(
            "UPDATE subject_keys SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1)"
            " WHERE subject_id = $1 AND category = $2",
            subject,
            USER,
        )


def without_one_byte(line: Callable[..., bytes]) -> Callable[..., bytes]:
    def changed(row: keyring_backup.Row) -> bytes:
        text = line(row)
        return text if row.key.wrapped is None else text[:-3] + (b"00\n" if text[-3:-1] != b"00" else b"11\n")

    return changed
