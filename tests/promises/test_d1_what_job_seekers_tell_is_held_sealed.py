from tillit_cli.json_resume import JobInterest

from .system import System


async def test_d1_a_job_seeker_finds_everything_they_told_in_their_profile(system: System) -> None:
    who = await system.job_seeker(JobInterest(occupation="D1-fyrvokter", place="Utsira"))
    answer = await system.ask("profile", "GET", "/me", who.login)
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["name"], shown["email"], shown["phone"]) == (who.person.name, who.person.email, who.person.phone)
    assert shown["date_of_birth"] == who.person.birth_date.isoformat()
    assert shown["home_address"]["street"] == "Prøveveien 1"
    assert shown["resume"]["work"][0]["summary"] == who.person.name
    interests = (await system.ask("profile", "GET", "/me/job-interests", who.login)).json()["items"]
    assert [(one["occupation"], one["place"]) for one in interests] == [("D1-fyrvokter", "Utsira")]


async def test_d1_nothing_a_living_job_seeker_told_is_stored_in_the_clear(system: System) -> None:
    who = await system.job_seeker()
    await system.settled()
    assert await system.readable_traces(who) == set()
    assert set(await system.sealed_in_tables(who)) >= {"profile", "notifications", "audit_log"}
