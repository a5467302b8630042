"""The drill of docs/runbooks/restore.md, service by service: a backup from before erasures is restored, and nobody is.

Each drill takes a backup, has one person erased and another register and change, restores, and looks: the erased person
is nowhere, everybody else is where the topics could bring them, and the service said that it was ready only then.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from contracts.personal import Category
from local_stack.stack import Stack
from tillit_cli import backups
from tillit_cli.backup_files import read_manifest
from tillit_cli.json_resume import JobInterest
from tillit_cli.proof.residue import ResidueProof

from tests.promises.system import JobSeeker, System

SERVICES: Final = ("notifications", "profile", "audit-log", "retention")
KEPT: Final = {Category.RIGHTS_CASE}
"""What an erasure of everything leaves: that it happened."""


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
    proof = ResidueProof(system.info, scene.leaver.subject_id, scene.leaver.person)
    left = {blob.where.partition(".")[0] for blob in await proof.blobs_of(scene.leaver.subject_id)} & set(
        system.info.databases
    )
    assert left == set()
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
    assert await system.mails_to(told.leaver.person.email) == [] or service
