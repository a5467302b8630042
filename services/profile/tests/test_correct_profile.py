"""A person corrects their details: it shows at once, is told to every service, and a token alone can't take an account."""

from pydantic import JsonValue

from .portal import PASSWORD, Account, Portal
from .rig import published, slug


def corrected(account: Account, **changes: JsonValue) -> dict[str, JsonValue]:
    form: dict[str, JsonValue] = {"name": "Kari Berg", "email": account.email, "phone": "+47 913 00 000"}
    return {**form, **changes}


async def test_a_correction_replaces_the_details_and_is_told(portal: Portal) -> None:
    kari = await portal.job_seeker()
    answer = await portal.http.put("/me/profile", json=corrected(kari), headers=kari.headers)
    assert answer.status_code == 204
    shown = (await portal.http.get("/me", headers=kari.headers)).json()
    assert (shown["name"], shown["phone"], shown["home_address"]) == ("Kari Berg", "+4791300000", None)
    assert await published(portal.service) == ["profile.registered.v1", "profile.corrected.v1"]


async def test_a_correction_that_changes_nothing_is_not_told(portal: Portal) -> None:
    kari = await portal.job_seeker()
    for _ in range(2):
        await portal.http.put("/me/profile", json=corrected(kari), headers=kari.headers)
    assert (await published(portal.service)).count("profile.corrected.v1") == 1


async def test_a_new_email_takes_the_password_and_is_what_one_logs_in_with(portal: Portal) -> None:
    kari = await portal.job_seeker()
    form = corrected(kari, email="kari.berg@post.no")
    without = await portal.http.put("/me/profile", json=form, headers=kari.headers)
    wrong = await portal.http.put("/me/profile", json={**form, "password": "et galt passord"}, headers=kari.headers)
    assert (slug(without), slug(wrong)) == ("password-needed", "wrong-password")
    right = await portal.http.put("/me/profile", json={**form, "password": PASSWORD}, headers=kari.headers)
    assert right.status_code == 204
    assert (await portal.log_in("kari.berg@post.no")).status_code == 200
    assert (await portal.log_in(kari.email)).status_code == 401


async def test_an_email_of_somebody_else_is_refused_and_changes_nothing(portal: Portal) -> None:
    kari, per = await portal.job_seeker(), await portal.job_seeker()
    form = corrected(kari, email=per.email.upper(), password=PASSWORD)
    answer = await portal.http.put("/me/profile", json=form, headers=kari.headers)
    assert (answer.status_code, slug(answer)) == (409, "email-taken")
    assert (await portal.http.get("/me", headers=kari.headers)).json()["name"] == "Kari Skogheim Nordmann"


async def test_a_date_of_birth_of_a_child_is_refused_in_a_correction_too(portal: Portal) -> None:
    kari = await portal.job_seeker()
    form = corrected(kari, date_of_birth="2020-01-01")
    assert (await portal.http.put("/me/profile", json=form, headers=kari.headers)).status_code == 422


async def test_nobody_corrects_a_profile_without_a_token(portal: Portal) -> None:
    kari = await portal.job_seeker()
    assert (await portal.http.put("/me/profile", json=corrected(kari))).status_code == 401
