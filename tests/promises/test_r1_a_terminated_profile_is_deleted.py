from contracts.personal import Category
from tillit_cli.json_resume import JobInterest
from tillit_cli.proof.keyring import remaining_keys

from .system import System


async def test_r1_user_information_is_gone_everywhere_and_the_log_of_mails_runs_its_own_clock(system: System) -> None:
    who = await system.job_seeker(JobInterest(occupation="R1-garver"))
    await system.settled()
    await system.publish("R1-garver")
    await system.settled()
    held = await system.sealed_in_tables(who)
    assert all(Category.USER_INFORMATION in held[holder] for holder in ("profile", "notifications", "audit_log"))

    erasure = await system.erased(who, "profile")

    assert set(erasure.categories) == {Category.USER_INFORMATION}
    assert {answer.holder for answer in erasure.holders} == {"profile", "notifications", "audit-log", "retention"}
    held = await system.sealed_in_tables(who)
    assert "profile" not in held
    assert held["notifications"] == {Category.COMMUNICATION}
    assert held["audit_log"] == {Category.COMMUNICATION, Category.RIGHTS_CASE}
    kept = {
        name.category
        for name in await remaining_keys(system.stored, system.info.kek)
        if name.subject_id == who.subject_id
    }
    assert Category.USER_INFORMATION not in kept
    assert Category.COMMUNICATION in kept
    assert await system.readable_traces(who) == set()


async def test_r1_whose_profile_ended_can_neither_log_in_nor_is_mailed_again(system: System) -> None:
    who = await system.job_seeker(JobInterest(occupation="R1-salmaker"))
    await system.settled()
    token = {"Authorization": f"Bearer {await who.login.token()}"}
    await system.erased(who, "profile")
    session = {"email": who.person.email, "password": who.login.password}
    assert (await system.ask("profile", "POST", "/sessions", None, session)).status_code == 401
    assert (await system.ask("profile", "GET", "/me", None, None, token)).status_code == 401
    await system.publish("R1-salmaker")
    await system.settled()
    (last,) = await system.mails_to(who.person.email)
    assert "/receipts/" in last
