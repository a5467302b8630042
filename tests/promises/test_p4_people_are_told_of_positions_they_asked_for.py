from tillit_cli.json_resume import JobInterest

from .system import System


async def test_p4_who_asked_for_such_a_position_gets_one_mail_and_nobody_else_does(system: System) -> None:
    anywhere = await system.job_seeker(JobInterest(occupation="P4-Fyrvokter"))
    there = await system.job_seeker(
        JobInterest(occupation="p4-fyrvokter", place="Røst"), JobInterest(occupation="P4-fyrvokter")
    )
    elsewhere = await system.job_seeker(JobInterest(occupation="P4-fyrvokter", place="Oslo"))
    nothing = await system.job_seeker()
    await system.settled()
    position = await system.publish("P4-fyrvokter", "RØST")
    await system.settled()
    for who in (anywhere, there):
        mails = await system.mails_to(who.person.email)
        assert len(mails) == 1
        assert str(position) in mails[0]
        assert who.person.name in mails[0]
    for who in (elsewhere, nothing):
        assert await system.mails_to(who.person.email) == []


async def test_p4_a_removed_interest_brings_no_more_mail(system: System) -> None:
    who = await system.job_seeker(JobInterest(occupation="P4-smed"))
    interests = (await system.ask("profile", "GET", "/me/job-interests", who.login)).json()["items"]
    path = f"/me/job-interests/{interests[0]['interest_id']}"
    assert (await system.ask("profile", "DELETE", path, who.login)).status_code == 204
    await system.settled()
    await system.publish("P4-smed")
    await system.settled()
    assert await system.mails_to(who.person.email) == []
