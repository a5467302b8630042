"""A4, R1: two scans, written independently, find nothing of an erased person; what is planted they both find."""

import asyncio
from uuid import UUID

from chassis.clock import monotonic
from tillit_cli.json_resume import JobInterest
from tillit_cli.operator_calls import HolderScan
from tillit_cli.proof.named_rows import rows_naming

from .may_name import MAY_NAME, MAY_NAME_FOR_A_WHILE
from .system import SECONDS, JobSeeker, System

PLANT = "CREATE TABLE diaries (day date, page jsonb); GRANT SELECT ON diaries TO PUBLIC"


async def somebody_with_everything(system: System) -> JobSeeker:
    """Who has told all that can be told, and got a mail."""
    who = await system.job_seeker(JobInterest(occupation="Fyrvokter", place="Utsira"), JobInterest(occupation="Lods"))
    await system.settled()
    await system.publish("Fyrvokter", "Utsira")
    await system.settled()
    return who


async def named_in(system: System, subject: UUID) -> set[str]:
    """Where the scan from outside finds the person, but for what comes and goes by itself."""
    passing = [pattern.format(database) for pattern in MAY_NAME_FOR_A_WHILE for database in system.info.databases]
    found = await rows_naming(system.stored, subject)
    return {where for where in found if not any(where.startswith(pattern) for pattern in passing)}


async def looked(system: System, subject: UUID) -> list[HolderScan]:
    """Have every holder look, and wait for what each found."""
    before = (await system.operator.erasures(subject))[0]
    await system.operator.scan_for_residue(before.erasure_id)
    deadline = monotonic() + SECONDS
    while monotonic() < deadline:
        new = (await system.operator.erasures(subject))[0].scans[len(before.scans) :]
        if new and all(scan.found is not None for scan in new):
            return list(new)
        await asyncio.sleep(0.1)
    raise TimeoutError("not every holder looked")


async def test_a4_no_column_of_any_database_names_an_erased_person_but_those_of_a_reviewed_list(system: System) -> None:
    who = await somebody_with_everything(system)
    before = await named_in(system, who.subject_id)
    assert {where.partition(".")[0] for where in before} == set(system.info.databases)
    assert {"profile.profiles.details", "notifications.mails.mail", "audit_log.contents.body"} <= before
    await system.erased(who, "everything")
    after = await named_in(system, who.subject_id)
    assert after == set(MAY_NAME)
    async with system.stored.connected("notifications") as connection:
        await connection.execute(PLANT)
        await connection.execute(
            "INSERT INTO diaries (page) VALUES (jsonb_build_object('read_by', $1::text))", str(who.subject_id)
        )
        try:
            assert await named_in(system, who.subject_id) - after == {"notifications.diaries.page"}
        finally:
            await connection.execute("DROP TABLE diaries")


async def test_a4_holders_that_look_again_find_nothing_and_what_is_planted_reopens_the_erasure(system: System) -> None:
    who = await somebody_with_everything(system)
    await system.erased(who, "everything")
    scans = await looked(system, who.subject_id)
    assert {scan.holder for scan in scans} == set(system.info.services)
    assert all(scan.found == {} for scan in scans)
    async with system.stored.connected("notifications") as connection:
        await connection.execute(PLANT)
        await connection.execute(
            "INSERT INTO diaries (page) VALUES (jsonb_build_object('read_by', $1::text))", str(who.subject_id)
        )
        try:
            found = {scan.holder: scan.found for scan in await looked(system, who.subject_id)}
        finally:
            await connection.execute("DROP TABLE diaries")
    assert found["notifications"] == {"diaries.page": 1}
    again = await system.done_again(who.subject_id)
    assert all(answer.attempts == 1 and answer.replied_at is not None for answer in again.holders)
    assert await looked(system, who.subject_id) != []
