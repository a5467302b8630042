"""The drill of the runbook: the database is lost, the key-encryption keys are lost, and what comes back from where."""

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from chassis.clock import MovedClock
from chassis.keys import NO_SUBJECT
from chassis.sql import borrow, connect
from chassis.testing.containers import Postgres, connected, free_port
from chassis.testing.databases import fresh_database
from retention_service import kek, keyring_backup
from retention_service.custody import restore_epochs
from retention_service.destroyed_ledger import FILE
from retention_service.kek import BadKeks
from retention_service.keyring_backup import BadBackup
from retention_service.restore_keyring import Restored, restore

from .keyring_steps import destroy, rotate
from .rig import MIGRATIONS, START, Rig, new_subject, opened, running_api, serving

USER = "user_information"


@asynccontextmanager
async def empty_database(rig: Rig, postgres: Postgres) -> AsyncGenerator[Rig]:
    """The same service on a database that was just migrated, over the same key-encryption keys."""
    clock = MovedClock(START)
    async with fresh_database(postgres, "retention", MIGRATIONS, clock) as database:
        port = free_port()
        settings = rig.settings.model_copy(
            update={"database_url": type(rig.settings.database_url)(database.dsn), "http_port": port}
        )
        async with opened(settings, clock) as service:
            for prepare in service.at_migration:
                await prepare()
            async with serving(service, settings, port):
                yield Rig(service, settings, database, rig.identities, clock, f"http://127.0.0.1:{port}")


async def restored(rig: Rig, file: Path) -> Restored:
    connection = await connect(rig.database.dsn)
    try:
        return await restore(connection, file, rig.settings.kek_dir)
    finally:
        await connection.close()


async def backup(rig: Rig) -> Path:
    await rig.work("keyring_backup")
    async with borrow(rig.service.database.pool) as connection:
        written = await keyring_backup.write(connection, rig.settings.backup_dir, 1, rig.clock.now())
    return rig.settings.backup_dir / written.name


async def test_a_lost_database_comes_back_from_a_backup_and_what_was_destroyed_since_does_not(
    rig: Rig, postgres: Postgres
) -> None:
    living, before, since = new_subject(), new_subject(), new_subject()
    for subject in (living, before, since):
        await rig.make(subject)
    await destroy(rig, before, [USER])
    key, log = await rig.key("profile", living, USER), await rig.key("profile", NO_SUBJECT, "log")
    file = await backup(rig)
    await destroy(rig, since, [USER])
    async with empty_database(rig, postgres) as anew:
        assert await restored(anew, file) == Restored(living=14, destroyed=2)
        assert await anew.key("profile", living, USER) == key
        assert await anew.key("profile", NO_SUBJECT, "log") == log
        for gone in (before, since):
            assert await anew.key("profile", gone, USER) is None
            assert (await anew.make(gone, [USER])).json()["keys"][0]["key"] is None
            assert await anew.key("profile", gone, "application") is not None
        assert (await anew.service.health.ready()).ok


async def test_with_the_ledger_lost_too_the_backup_tells_what_was_destroyed_before_it(
    rig: Rig, postgres: Postgres
) -> None:
    before = new_subject()
    await rig.make(before)
    await destroy(rig, before, [USER])
    file = await backup(rig)
    (rig.settings.kek_dir / FILE).unlink()
    async with empty_database(rig, postgres) as anew:
        await restored(anew, file)
        assert await anew.key("profile", before, USER) is None
        assert (await anew.make(before, [USER])).json()["keys"][0]["key"] is None


async def test_a_backup_is_never_put_over_living_keys(rig: Rig) -> None:
    await rig.make(new_subject())
    file = await backup(rig)
    with pytest.raises(BadBackup, match="restore into one that was just migrated"):
        await restored(rig, file)


async def test_a_backup_from_before_a_rotation_is_refused_by_name(rig: Rig, postgres: Postgres, tmp_path: Path) -> None:
    await rig.make(new_subject())
    file = shutil.copy(await backup(rig), tmp_path / "old.backup")
    assert (await rotate(rig))["stage"] == "done"
    async with empty_database(rig, postgres) as anew:
        with pytest.raises(BadKeks, match="which a rotation destroyed"):
            await restored(anew, Path(file))
        assert await anew.key("profile", NO_SUBJECT, "log") is not None, "nothing was changed"


@pytest.mark.parametrize("how", ["cut", "changed", "another file"])
async def test_a_backup_that_is_not_whole_restores_nothing(rig: Rig, postgres: Postgres, how: str) -> None:
    await rig.make(new_subject())
    file = await backup(rig)
    content = file.read_bytes()
    file.write_bytes(
        {"cut": content[:-40], "changed": content[:200] + bytes([content[200] ^ 1]) + content[201:]}.get(how, b"hello")
    )
    async with empty_database(rig, postgres) as anew:
        with pytest.raises(BadBackup, match="take another backup"):
            await restored(anew, file)


async def test_lost_key_encryption_keys_are_said_loudly_and_come_back_from_custody(
    postgres: Postgres, tmp_path: Path
) -> None:
    places = [tmp_path / f"place-{number}" for number in range(3)]
    for place in places:
        place.mkdir()
    async with running_api(postgres, tmp_path, kek_custody=",".join(map(str, places))) as rig:
        subject, gone = new_subject(), new_subject()
        for person in (subject, gone):
            await rig.make(person)
        await rotate(rig)
        await destroy(rig, gone, [USER])
        key = await rig.key("profile", subject, USER)
        shutil.rmtree(rig.settings.kek_dir)
        assert (await rig.fetch("profile", (subject, USER))).status_code == 503
        assert (await rig.make(new_subject())).status_code == 503
        assert not (await rig.service.health.ready()).ok
        (prepare,) = rig.service.at_migration
        with pytest.raises(BadKeks, match=r"epochs \[2\].*restore their files from the custody"):
            await prepare()
        assert not kek.has_epochs(rig.settings.kek_dir)
        assert restore_epochs(places[:2], rig.settings.kek_dir) == [2]
        await prepare()
        assert await rig.key("profile", subject, USER) == key
        assert await rig.key("profile", gone, USER) is None
        assert (await rig.service.health.ready()).ok


async def test_nothing_of_a_backup_is_in_the_clear(rig: Rig) -> None:
    subject = new_subject()
    await rig.make(subject)
    keys = [await rig.key("profile", subject, USER), await rig.key("profile", NO_SUBJECT, "log")]
    file = await backup(rig)
    content = file.read_bytes()
    for key in keys:
        assert key is not None
        assert key not in content
        assert key.hex().encode() not in content
    assert oct(file.stat().st_mode)[-3:] == "600"


async def test_beside_a_database_from_before_a_rotation_its_dead_keys_are_replaced_and_newer_ones_added(
    rig: Rig, postgres: Postgres
) -> None:
    old, gone = new_subject(), new_subject()
    for subject in (old, gone):
        await rig.make(subject)
    key, log = await rig.key("profile", old, USER), await rig.key("profile", NO_SUBJECT, "log")
    async with connected(rig.database.migration_dsn) as owner:
        before = await owner.fetch("SELECT subject_id, category, wrapped, kek_epoch, made_at FROM subject_keys")
    await rotate(rig)
    new = new_subject()
    await rig.make(new)
    newest = await rig.key("profile", new, USER)
    await rig.work("keyring_backup")
    file = keyring_backup.newest(rig.settings.backup_dir)
    assert file is not None
    await destroy(rig, gone, [USER])
    async with connected(rig.database.migration_dsn) as owner:
        await owner.execute("DELETE FROM subject_keys")
        await owner.executemany(
            "INSERT INTO subject_keys (subject_id, category, wrapped, kek_epoch, made_at) VALUES ($1, $2, $3, $4, $5)",
            [tuple(row) for row in before],
        )
        await owner.execute("UPDATE ledger_state SET applied = 0")
    connection = await connect(rig.database.dsn)
    try:
        await restore(connection, file, rig.settings.kek_dir, beside=True)
    finally:
        await connection.close()
    assert (await rig.service.health.ready()).ok
    assert await rig.key("profile", old, USER) == key
    assert await rig.key("profile", new, USER) == newest
    assert await rig.key("profile", NO_SUBJECT, "log") == log
    assert await rig.key("profile", gone, USER) is None
