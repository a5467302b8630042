from .system import EMPLOYER, System


async def test_p2_an_employer_user_publishes_and_closes_a_position_of_their_employer(system: System) -> None:
    position = await system.publish("P2-bøkker")
    shown = (await system.ask("profile", "GET", f"/positions/{position}")).json()
    assert (shown["employer_name"], shown["closed_at"]) == (EMPLOYER.name, None)
    answer = await system.ask(
        "profile", "POST", f"/positions/{position}/close", await system.employer_user(), {"reason": "filled"}
    )
    assert answer.status_code == 204
    assert (await system.ask("profile", "GET", f"/positions/{position}")).json()["closing_reason"] == "filled"


async def test_p2_a_job_seeker_publishes_nothing(system: System) -> None:
    who = await system.job_seeker()
    body = {"title": "Falsk", "occupation": "P2-falsk", "place": "Oslo"}
    assert (await system.ask("profile", "POST", "/positions", who.login, body)).status_code == 403
