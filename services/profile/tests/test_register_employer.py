"""Employers are known once by their organisation number; people register as their users."""

import asyncio

from pydantic import JsonValue

from .portal import ORGNR, Portal
from .rig import count, published, slug, statuses


async def test_an_employer_user_registers_and_the_employer_with_them(portal: Portal) -> None:
    per = await portal.employer()
    shown = (await portal.http.get("/me", headers=per.headers)).json()
    assert shown["kind"] == "employer"
    assert (shown["employer"]["orgnr"], shown["employer"]["name"]) == (ORGNR, "Fjell sykehus")
    assert (shown["home_address"], shown["date_of_birth"], shown["resume"]) == (None, None, None)
    assert await published(portal.service) == ["profile.registered.v1"]


async def test_a_known_employer_keeps_its_name_and_gets_another_user(portal: Portal) -> None:
    await portal.employer()
    second = await portal.employer(employer={"name": "Et annet navn", "orgnr": ORGNR})
    shown = (await portal.http.get("/me", headers=second.headers)).json()
    assert shown["employer"]["name"] == "Fjell sykehus"
    assert await count(portal.service, "employers") == 1


async def test_users_of_one_new_employer_at_once_make_one_employer(portal: Portal) -> None:
    forms = [portal.employer_user() for _ in range(4)]
    answers = await asyncio.gather(*(portal.http.post("/employer-users", json=form) for form in forms))
    assert statuses(answers) == [201] * 4
    assert await count(portal.service, "employers") == 1


async def test_the_operator_registers_an_employer_once(portal: Portal) -> None:
    form = {"name": "Fjell sykehus", "orgnr": ORGNR}
    answers = [await portal.http.post("/employers", json=form, headers=portal.as_operator()) for _ in range(2)]
    assert statuses(answers) == [201, 201]
    assert answers[0].json() == answers[1].json()


async def test_an_employer_with_a_fault_is_refused(portal: Portal) -> None:
    faulty: list[dict[str, JsonValue]] = [{"name": "Fjell", "orgnr": "974760674"}, {"name": "", "orgnr": ORGNR}, {}]
    for form in faulty:
        answer = await portal.http.post("/employers", json=form, headers=portal.as_operator())
        assert (answer.status_code, slug(answer)) == (422, "invalid-request")


async def test_nobody_but_the_operator_registers_a_bare_employer(portal: Portal) -> None:
    form = {"name": "Fjell sykehus", "orgnr": ORGNR}
    per = await portal.employer()
    assert (await portal.http.post("/employers", json=form)).status_code == 401
    assert (await portal.http.post("/employers", json=form, headers=per.headers)).status_code == 403
