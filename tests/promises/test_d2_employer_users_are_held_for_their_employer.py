from .system import EMPLOYER, System


async def test_d2_an_employer_user_finds_their_contact_details_and_employer(system: System) -> None:
    login = await system.employer_user()
    shown = (await system.ask("profile", "GET", "/me", login)).json()
    assert (shown["kind"], shown["email"]) == ("employer", login.email)
    assert (shown["employer"]["orgnr"], shown["employer"]["name"]) == (EMPLOYER.orgnr, EMPLOYER.name)
    assert shown["resume"] is None


async def test_d2_an_organisation_number_with_a_wrong_check_digit_registers_nobody(system: System) -> None:
    password = "langt nok passord"
    answer = await system.ask(
        "profile",
        "POST",
        "/employer-users",
        body={
            "employer": {"name": "Feil AS", "orgnr": "974760674"},
            "name": "Ingen",
            "email": "d2@example.org",
            "password": password,
        },
    )
    assert answer.status_code == 422
    session = {"email": "d2@example.org", "password": password}
    assert (await system.ask("profile", "POST", "/sessions", None, session)).status_code == 401
