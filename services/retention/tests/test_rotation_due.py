"""A rotation comes by itself when it is due; what was begun goes on; backups are made daily and do not pile up."""

from datetime import timedelta

from retention_service.rotate_keys import ROTATE_KEYS
from retention_service.rotation_due import BACKUPS_KEPT

from .keyring_steps import rotate
from .rig import START, Rig, new_subject

WEEK = timedelta(days=7)


async def look(rig: Rig) -> None:
    await rig.work("rotation_due")
    await rig.work(ROTATE_KEYS)


async def test_the_first_rotation_is_due_a_week_after_the_keyring_began_and_each_next_after_the_last(rig: Rig) -> None:
    await rig.make(new_subject())
    told = (await rig.get("/keyring/rotation")).json()
    assert (told["latest"], told["due_at"]) == (None, (START + WEEK).isoformat().replace("+00:00", "Z"))
    rig.clock.advance(WEEK - timedelta(seconds=1))
    await look(rig)
    assert (await rig.get("/keyring/rotation")).json()["latest"] is None
    rig.clock.advance(timedelta(minutes=2))
    await look(rig)
    told = (await rig.get("/keyring/rotation")).json()
    assert (told["latest"]["stage"], told["latest"]["epoch"]) == ("done", 2)
    rig.clock.advance(timedelta(days=6))
    await look(rig)
    assert (await rig.get("/keyring/rotation")).json()["latest"]["epoch"] == 2
    rig.clock.advance(timedelta(days=2))
    await look(rig)
    assert (await rig.get("/keyring/rotation")).json()["latest"]["epoch"] == 3


async def test_how_long_it_is_overdue_is_measured(rig: Rig) -> None:
    rig.clock.advance(WEEK + timedelta(hours=1))
    await rig.work("rotation_due")
    assert "tillit_keyring_rotation_due_seconds -3600.0" in rig.service.metrics.exposition().decode()


async def test_a_stopped_rotation_is_not_asked_for_twice_by_the_schedule(rig: Rig) -> None:
    rig.settings.backup_dir.write_text("a file where the folder should be")
    rig.clock.advance(WEEK + timedelta(hours=1))
    for _ in range(3):
        await look(rig)
        rig.clock.advance(timedelta(hours=1))
    latest = (await rig.get("/keyring/rotation")).json()["latest"]
    assert (latest["stage"], latest["epoch"]) == ("backing_up", 2)
    rig.settings.backup_dir.unlink()
    await look(rig)
    assert (await rig.get("/keyring/rotation")).json()["latest"]["stage"] == "done"
    assert sorted(file.name for file in rig.settings.kek_dir.glob("*.kek")) == ["epoch-000002.kek"]


async def test_backups_are_made_daily_a_week_is_kept_and_a_rotation_lets_the_useless_go(rig: Rig) -> None:
    for _ in range(BACKUPS_KEPT + 3):
        await rig.work("keyring_backup")
        rig.clock.advance(timedelta(days=1, seconds=1))
    names = sorted(file.name for file in rig.settings.backup_dir.iterdir())
    assert len(names) == BACKUPS_KEPT
    assert names[-1].startswith("keyring-000001-202602")
    assert (await rotate(rig))["stage"] == "done"
    assert [file.name[:15] for file in rig.settings.backup_dir.iterdir()] == ["keyring-000002-"]
