"""R8: backups are kept 14 days; what was erased is unreadable in them within 8.

Nothing that a person told stands in a backup in the clear, what they look for neither: it is searched in tables that no
backup and no write-ahead log holds. What is sealed opens no more once the keys are destroyed, and once the weekly rotation
has destroyed the key-encryption key, the keyring's own rows of a backup open no more either.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from chassis.clock import SystemClock
from contracts.personal import Category
from tillit_cli.backup_files import manifest_file, read_signed
from tillit_cli.backup_folders import KEEP_DAYS, forget_older
from tillit_cli.json_resume import JobInterest
from tillit_cli.operator_calls import Operator
from tillit_cli.proof.byte_search import Place, Searcher
from tillit_cli.proof.controls import checkpoint
from tillit_cli.proof.keyring import remaining_keys
from tillit_cli.proof.needles import Needle, needles_of
from tillit_cli.proof.sealed_blobs import try_every_key

from .kept_backups import backed_up, blobs_in, copy_of_the_server, keys_in, rotated
from .system import JobSeeker, System


def found_in(place: Path, needles: list[Needle]) -> dict[str, set[str]]:
    """Of what something was found, and in which files."""
    found: dict[str, set[str]] = {}
    for hit in Searcher(needles).search_place(Place("here", place)).hits:
        found.setdefault(hit.needle.of, set()).add(hit.where)
    return found


def told_by(who: JobSeeker, *wishes: str) -> list[Needle]:
    """Every form of who they are and of what they look for, as written and as compared."""
    spelt = {f"wish {number}": (wish, wish.casefold()) for number, wish in enumerate(wishes)}
    return [*who.person.needles("their"), *needles_of(spelt)]


@asynccontextmanager
async def planted(system: System, words: str) -> AsyncGenerator[None]:
    """Words that stand in the clear in an ordinary table, as none of ours does."""
    async with system.stored.connected("notifications") as admin:
        await admin.execute("CREATE TABLE r8_control (words text)")
        try:
            await admin.execute(f"INSERT INTO r8_control (words) VALUES ('{words}')")
            yield
        finally:
            await admin.execute("DROP TABLE r8_control")


async def test_r8_what_an_erased_person_told_is_in_no_backup_and_in_no_log_and_what_is_sealed_opens_no_more(
    system: System, operator: Operator, tmp_path: Path
) -> None:
    occupation, place, control = (f"R8-{what}-{secrets.token_hex(8)}" for what in ("Yrke", "Sted", "Kontroll"))
    who, other = await system.job_seeker(JobInterest(occupation=occupation, place=place)), await system.job_seeker()
    await system.settled()
    theirs, planted_forms = told_by(who, occupation, place), needles_of({"control": (control,)})
    services, kept, copied = list(system.info.services), tmp_path / "backups", tmp_path / "server"
    async with planted(system, control):
        backup = await asyncio.to_thread(backed_up, system, kept)
        await asyncio.to_thread(copy_of_the_server, system, copied)
    log = system.info.postgres_data / "pg_wal"
    rows = {hit.where for hit in (await system.stored.search(Searcher(theirs))).hits}
    assert rows == {"notifications.interest_search"}, "the control: that is where it can be read, and nowhere else"
    blobs, before = blobs_in(backup, services, who.subject_id), await remaining_keys(system.stored, system.info.kek)
    assert {blob.where for blob in blobs} >= {"notifications", "profile", "audit-log"}
    assert len(try_every_key(blobs, before).opened) == len(blobs)
    assert (await keys_in(system, backup, who.subject_id))[Category.USER_INFORMATION]

    await system.erased(who, "everything")
    await rotated(operator)
    await checkpoint(system.stored)

    for where in (backup, copied, log):
        assert found_in(where, theirs) == {}, where
        assert set(found_in(where, planted_forms)) == {"control"}, where
    left = {
        name: key
        for name, key in (await remaining_keys(system.stored, system.info.kek)).items()
        if (name.subject_id, name.category) != (who.subject_id, Category.RIGHTS_CASE)
    }
    assert try_every_key(blobs, left).opened == []
    others = blobs_in(backup, services, other.subject_id)
    assert len(try_every_key(others, left).opened) == len(others) > 0
    assert not any((await keys_in(system, backup, who.subject_id)).values())


async def test_r8_a_backup_ends_those_that_are_older_than_fourteen_days(system: System, tmp_path: Path) -> None:
    place, key = tmp_path / "backups", system.info.operator_key_file
    services, window = list(system.info.services), timedelta(days=KEEP_DAYS)
    first = await asyncio.to_thread(backed_up, system, place)
    taken_at = min(read_signed(first, service, key).taken_at for service in services)
    assert KEEP_DAYS == 14
    assert abs(SystemClock().now() - taken_at) < timedelta(minutes=5)
    on_the_last_day = forget_older(place, services, key, than=window, now=taken_at + window)
    assert (on_the_last_day.deleted, manifest_file(first, "profile").exists()) == ([], True)
    later = forget_older(place, services, key, than=window, now=taken_at + window + timedelta(minutes=5))
    assert later.deleted == [first]
    assert list(place.iterdir()) == []
