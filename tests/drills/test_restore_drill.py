"""The drill of docs/runbooks/restore.md, service by service: a backup from before erasures is restored, and nobody is.

Each drill takes a backup, has one person erased and another register and change, restores, and looks: the erased person
is nowhere, everybody else is where the topics could bring them, and the service said that it was ready only then.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from chassis.keys import KeyName
from contracts.personal import Category
from local_stack.stack import Stack
from tillit_cli import backups
from tillit_cli.backup_files import read_manifest
from tillit_cli.json_resume import JobInterest
from tillit_cli.operator_calls import Operator
from tillit_cli.proof.byte_search import Place, Searcher
from tillit_cli.proof.keyring import remaining_keys
from tillit_cli.proof.sealed_blobs import try_every_key

from tests.promises.kept_backups import blobs_in, rotated
from tests.promises.system import JobSeeker, System

SERVICES: Final = ("notifications", "profile", "audit-log", "retention")
KEPT: Final = {Category.RIGHTS_CASE}
"""What an erasure of everything leaves: that it happened, and that the person was told."""


@dataclass(frozen=True)
class Scene:
    """Who is there, and what was put aside before one of them left."""

    stayer: JobSeeker
    leaver: JobSeeker
    newcomer: JobSeeker
    backup: Path
    occupation: str


async def scene(system: System, running: Stack, service: str, folder: Path) -> Scene:
    """Two people; a backup; then one is erased, somebody new registers, and who stays says more."""
    occupation = f"Yrke {uuid4().hex[:8]}"
    stayer = await system.job_seeker(JobInterest(occupation="Fyrvokter", place=None))
    leaver = await system.job_seeker(JobInterest(occupation=occupation, place=None))
    await system.settled()
    await backups.take(running, service, folder)
    await system.erased(leaver, "everything")
    newcomer = await system.job_seeker(JobInterest(occupation=occupation, place=None))
    await system.portal.save_interest(stayer.login, JobInterest(occupation=occupation, place=None), key=str(uuid4()))
    await system.settled()
    return Scene(stayer, leaver, newcomer, folder, occupation)


async def restored(running: Stack, service: str, folder: Path) -> None:
    """As `tillit restore` does it."""
    manifest = read_manifest(folder, service, running.info().operator_key_file)
    await backups.put_back(running, manifest, folder, None)
    await backups.wait_until_caught_up(running, service)


async def nobody_came_back(system: System, scene: Scene) -> None:
    left = await system.sealed_in_tables(scene.leaver)
    assert {category for categories in left.values() for category in categories} <= KEPT
    assert await system.readable_traces(scene.leaver) == set()
    again = await system.ask("profile", "GET", "/me", scene.stayer.login)
    assert again.status_code == 200


@pytest.mark.parametrize("service", ["notifications", "audit-log"])
async def test_a_service_restored_from_before_an_erasure_has_nobody_who_was_erased_and_everybody_else(
    system: System, running: Stack, tmp_path: Path, service: str
) -> None:
    told = await scene(system, running, service, tmp_path)
    before = await system.sealed_in_tables(told.newcomer)
    await restored(running, service, tmp_path)
    await system.settled()
    await nobody_came_back(system, told)
    assert await system.sealed_in_tables(told.newcomer) == before
    await system.publish(told.occupation)
    await system.settled()
    for who in (told.newcomer, told.stayer):
        assert len(await system.mails_to(who.person.email)) == 1


async def test_a_profile_service_restored_from_before_an_erasure_lets_nobody_erased_in_and_knows_who_came_since(
    system: System, running: Stack, tmp_path: Path
) -> None:
    told = await scene(system, running, "profile", tmp_path)
    before = await system.sealed_in_tables(told.newcomer)
    await restored(running, "profile", tmp_path)
    await system.settled()
    await nobody_came_back(system, told)
    assert await system.sealed_in_tables(told.newcomer) == before
    assert told.occupation in (await system.ask("profile", "GET", "/me/job-interests", told.stayer.login)).text
    answer = await system.ask("profile", "GET", "/me", told.leaver.login)
    assert answer.status_code == 401


async def test_a_restored_retention_destroys_again_what_was_destroyed_and_lives_on_with_every_other_key(
    system: System, running: Stack, operator: Operator, tmp_path: Path
) -> None:
    told = await scene(system, running, "retention", tmp_path)
    erasure = (await operator.erasures(told.leaver.subject_id))[0]
    await rotated(operator)
    keys = await living_keys(system)
    await restored(running, "retention", tmp_path)
    again = await system.done_again(told.leaver.subject_id)
    assert again.erasure_id == erasure.erasure_id
    await nobody_came_back(system, told)
    assert await living_keys(system) == keys
    for who in (told.stayer, told.newcomer):
        assert (await system.ask("profile", "GET", "/me", who.login)).status_code == 200
    assert len(await operator.erasures(told.leaver.subject_id)) == 1


async def living_keys(system: System) -> frozenset[KeyName]:
    return frozenset(await remaining_keys(system.stored, system.info.kek))


async def test_a_backup_from_before_an_erasure_holds_nothing_that_opens_or_can_be_read(
    system: System, running: Stack, tmp_path: Path
) -> None:
    leaver, others = await system.job_seeker(JobInterest(occupation="Lods", place=None)), await system.job_seeker()
    await system.settled()
    for service in SERVICES:
        await backups.take(running, service, tmp_path)
    before = await remaining_keys(system.stored, system.info.kek)
    theirs = blobs_in(tmp_path, SERVICES, leaver.subject_id)
    assert {blob.where for blob in theirs} >= {"notifications", "profile", "audit-log"}
    assert len(try_every_key(theirs, before).opened) == len(theirs)
    await system.erased(leaver, "everything")
    left = {
        name: key
        for name, key in (await remaining_keys(system.stored, system.info.kek)).items()
        if (name.subject_id, name.category) != (leaver.subject_id, Category.RIGHTS_CASE)
    }
    assert try_every_key(theirs, left).opened == []
    of_others = blobs_in(tmp_path, SERVICES, others.subject_id)
    assert len(try_every_key(of_others, left).opened) == len(of_others)
    searcher = Searcher(leaver.person.needles("their"))
    assert searcher.search_place(Place("backup", tmp_path)).hits == set()
    (tmp_path / "planted").write_text(f"a backup that says {leaver.person.email}\n")
    assert {hit.where for hit in searcher.search_place(Place("backup", tmp_path)).hits} == {"planted"}
