from .system import System


async def test_p1_a_job_seeker_corrects_their_profile_and_what_they_leave_out_is_not_kept(system: System) -> None:
    who = await system.job_seeker()
    body = {"name": "Rettet Navn", "email": who.person.email}
    answer = await system.ask("profile", "PUT", "/me/profile", who.login, body)
    assert answer.is_success, answer.text
    shown = (await system.ask("profile", "GET", "/me", who.login)).json()
    assert (shown["name"], shown["phone"], shown["home_address"]) == ("Rettet Navn", None, None)


async def test_p1_a_profile_is_served_to_its_own_person_only(system: System) -> None:
    who = await system.job_seeker()
    assert (await system.ask("profile", "GET", "/me")).status_code == 401
    forged = {"Authorization": f"Bearer {(await who.login.token())[:-8]}AAAAAAAA"}
    assert (await system.ask("profile", "GET", "/me", None, None, forged)).status_code == 401
    wrong = {"email": who.person.email, "password": "et helt annet passord"}
    assert (await system.ask("profile", "POST", "/sessions", None, wrong)).status_code == 401


async def test_p1_nobody_under_thirteen_gets_a_profile(system: System) -> None:
    body = {
        "name": "For Ung",
        "email": "p1@example.org",
        "password": "langt nok passord",
        "date_of_birth": "2024-01-01",
    }
    assert (await system.ask("profile", "POST", "/job-seekers", None, body)).status_code == 422
