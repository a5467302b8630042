"""A job seeker registers: once, with keys first, old enough, and known by a random id."""

import asyncio
from datetime import timedelta
from uuid import UUID

from chassis.clock import MovedClock
from chassis.testing.keyring import KeyringServer
from profile_service.delete_profile import FINAL_DELETION
from pydantic import JsonValue

from .portal import Portal
from .rig import count, do_work, erase, published, slug, statuses

FAULTS: list[tuple[str, JsonValue]] = [
    ("name", " "),
    ("name", "Kari\x1b[2J"),
    ("email", "kari"),
    ("email", "kari@post.no\nBcc: alle@post.no"),
    ("phone", "ring meg"),
    ("date_of_birth", "17.05.1984"),
    ("date_of_birth", "2027-01-01"),
    ("home_address", {"street": "Solbakken 14", "floor": 2}),
    ("resume", ["not an object"]),
    ("resume", {"basics": "x" * 200_001}),
    ("password", "for kort"),
    ("fødselsnummer", "01018012345"),
]


async def test_a_person_registers_logs_in_and_reads_what_they_told(portal: Portal) -> None:
    kari = await portal.job_seeker(email="Kari.Nordmann@Post.no")
    shown = (await portal.http.get("/me", headers=kari.headers)).json()
    assert shown == {
        "subject_id": str(kari.subject_id),
        "kind": "job_seeker",
        "registered_at": "2026-03-02T09:00:00Z",
        "name": "Kari Skogheim Nordmann",
        "email": "Kari.Nordmann@post.no",
        "phone": "+4791234567",
        "home_address": {"street": "Solbakken 14", "postal_code": "8003", "city": "Bodø"},
        "date_of_birth": "1984-05-17",
        "resume": {"basics": {"label": "Anestesisykepleier"}},
        "employer": None,
    }
    assert await published(portal.service) == ["profile.registered.v1"]


async def test_the_answer_names_a_random_id_and_where_the_profile_is(portal: Portal) -> None:
    answer = await portal.http.post("/job-seekers", json=portal.person())
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/me"
    assert UUID(answer.json()["subject_id"]).version == 4


async def test_keys_of_every_category_of_a_person_are_made_before_anything_is_stored(
    portal: Portal, keyring: KeyringServer
) -> None:
    kari = await portal.job_seeker()
    for category in ("user_information", "communication", "website_usage", "rights_case"):
        assert keyring.key(kari.subject_id, category) is not None


async def test_without_the_keyring_nothing_is_registered_and_the_caller_is_told_when_to_come_back(
    portal: Portal, keyring: KeyringServer
) -> None:
    keyring.unavailable = True
    answer = await portal.http.post("/job-seekers", json=portal.person())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert await count(portal.service, "profiles") + await count(portal.service, "subjects") == 0
    keyring.unavailable = False
    assert (await portal.http.post("/job-seekers", json=portal.person())).status_code == 201


async def test_an_email_that_has_an_account_is_refused_in_whatever_spelling(portal: Portal) -> None:
    await portal.job_seeker(email="kari@post.no")
    answer = await portal.http.post("/job-seekers", json=portal.person(email="KARI@POST.NO"))
    assert (answer.status_code, slug(answer)) == (409, "email-taken")
    assert "kari" not in answer.text.lower()


async def test_a_job_seeker_and_an_employer_user_can_not_share_an_email(portal: Portal) -> None:
    await portal.job_seeker(email="kari@post.no")
    answer = await portal.http.post("/employer-users", json=portal.employer_user(email="kari@post.no"))
    assert slug(answer) == "email-taken"
    assert await count(portal.service, "employers") == 0


async def test_two_registrations_at_once_with_one_email_make_one_profile(portal: Portal) -> None:
    form = portal.person()
    answers = await asyncio.gather(*(portal.http.post("/job-seekers", json=form) for _ in range(4)))
    assert statuses(answers) == [201, 409, 409, 409]
    assert await count(portal.service, "profiles") == 1
    assert await count(portal.service, "subjects") == 1
    assert await published(portal.service) == ["profile.registered.v1"]


async def test_a_repeated_request_with_its_key_gets_the_first_answer_and_leaves_no_trace(portal: Portal) -> None:
    form, headers = portal.person(), {"Idempotency-Key": "en-registrering"}
    answers = [await portal.http.post("/job-seekers", json=form, headers=headers) for _ in range(3)]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert statuses(answers) == [201, 201, 201]
    assert await count(portal.service, "subjects") == 1
    assert await published(portal.service) == ["profile.registered.v1"]


async def test_the_same_request_sent_twice_at_once_with_its_key_registers_once(portal: Portal) -> None:
    form, headers = portal.person(), {"Idempotency-Key": "en-registrering"}
    answers = await asyncio.gather(*(portal.http.post("/job-seekers", json=form, headers=headers) for _ in range(3)))
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert await count(portal.service, "profiles") == 1


async def test_nobody_younger_than_13_gets_a_profile(portal: Portal) -> None:
    young = await portal.http.post("/job-seekers", json=portal.person(date_of_birth="2013-03-03"))
    assert young.status_code == 422
    assert young.json()["errors"][0]["pointer"] == "/body/date_of_birth"
    assert await count(portal.service, "profiles") + await count(portal.service, "subjects") == 0
    old_enough = await portal.http.post("/job-seekers", json=portal.person(date_of_birth="2013-03-02"))
    assert old_enough.status_code == 201


async def test_a_form_with_a_fault_is_refused_by_its_place_and_without_its_value(portal: Portal) -> None:
    for field, value in FAULTS:
        form = portal.person(**{field: value})
        answer = await portal.http.post("/job-seekers", json=form, headers=portal.as_operator())
        assert (field, answer.status_code, slug(answer)) == (field, 422, "invalid-request")
        assert field not in ("email", "password") or str(value) not in answer.text
        assert not any(word in answer.text for word in ("Bcc", "01018012345"))
    assert await count(portal.service, "profiles") == 0


async def test_registering_is_limited_per_address_and_the_operator_is_not_counted(portal: Portal) -> None:
    for _ in range(60):
        assert (await portal.http.post("/job-seekers", json={"name": "a form with a fault"})).status_code == 422
    assert (await portal.http.post("/job-seekers", json=portal.person())).status_code == 429
    imported = await portal.http.post("/job-seekers", json=portal.person(), headers=portal.as_operator())
    assert imported.status_code == 201


async def test_who_left_and_registers_again_is_somebody_new(portal: Portal, clock: MovedClock) -> None:
    first = await portal.job_seeker(email="kari@post.no")
    await portal.ask_deletion(first)
    clock.advance(timedelta(days=3))
    await do_work(portal.service, FINAL_DELETION)
    await erase(portal.service, first.subject_id)
    again = await portal.job_seeker(email="kari@post.no")
    assert again.subject_id != first.subject_id
    assert await count(portal.service, "job_interests") == 0
