"""An officer sees what each holder erased and found later, has them look at once, and asks why something is still here."""

import asyncio
from uuid import uuid4

from chassis.clock import monotonic

from tests.promises.system import SECONDS, System

from .terminal import tillit


async def test_an_officer_has_holders_look_for_residue_and_sees_that_there_is_none(system: System) -> None:
    who = await system.job_seeker()
    await system.erased(who, "everything")
    subject = str(who.subject_id)
    assert "Not looked for residue yet" in (await tillit(system.info, "erasures", "show", subject)).out
    assert "Asked for, in erasure" in (await tillit(system.info, "erasures", "scan", subject)).out
    deadline = monotonic() + SECONDS
    while (shown := await tillit(system.info, "erasures", "show", subject)).out.count("nothing") < 4:
        assert monotonic() < deadline, shown.out
        await asyncio.sleep(0.5)
    assert "silent" not in shown.out
    assert (await tillit(system.info, "erasures", "show", str(uuid4()))).code == 2


async def test_an_officer_asks_why_each_field_of_a_person_is_still_here(system: System) -> None:
    who = await system.job_seeker()
    await system.settled()
    told = await tillit(system.info, "explain", str(who.subject_id))
    assert told.code == 0
    for words in (
        "  profiles: 1 rows of user_information",
        "details (sealed)",
        "P1 user profiles for job seekers (6(1)(b)",
    ):
        assert words in told.out
    assert "no day yet" in told.out
    assert who.person.name not in told.out
    nobody = await tillit(system.info, "explain", str(uuid4()))
    assert nobody.out.count("nothing") == 4
