"""Logging in proves who somebody is, and tells nobody who has an account."""

from datetime import timedelta

from chassis.clock import MovedClock
from chassis.testing.keyring import KeyringServer

from .portal import PASSWORD, Portal
from .rig import slug


async def test_a_session_ends_after_a_quarter_of_an_hour(portal: Portal, clock: MovedClock) -> None:
    kari = await portal.job_seeker()
    opened = (await portal.log_in(kari.email)).json()
    assert opened["expires_at"] == "2026-03-02T09:15:00Z"
    clock.advance(timedelta(minutes=16))
    assert (await portal.http.get("/me", headers=kari.headers)).status_code == 401


async def test_an_unknown_email_and_a_wrong_password_get_one_and_the_same_answer(portal: Portal) -> None:
    await portal.job_seeker(email="kari@post.no")
    wrong = await portal.log_in("kari@post.no", "et galt passord")
    for email in ("ingen@post.no", "kari", "", "x" * 320):
        unknown = await portal.log_in(email, "et galt passord")
        assert wrong.status_code == unknown.status_code == 401
        assert slug(wrong) == slug(unknown) == "login-failed"
        assert {**wrong.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}
        assert set(wrong.headers.items()) - set(unknown.headers.items()) <= {
            ("x-request-id", wrong.headers["x-request-id"])
        }


async def test_an_unknown_email_costs_a_look_up_in_the_keyring_too(portal: Portal, keyring: KeyringServer) -> None:
    before = keyring.requests["/keys/fetch"]
    await portal.log_in("ingen@post.no")
    assert keyring.requests["/keys/fetch"] == before + 1


async def test_an_email_is_the_same_in_whatever_case(portal: Portal) -> None:
    await portal.job_seeker(email="kari@post.no")
    assert (await portal.log_in("Kari@POST.no")).status_code == 200


async def test_guessing_at_one_account_is_limited_from_wherever_it_comes(portal: Portal, clock: MovedClock) -> None:
    await portal.job_seeker(email="kari@post.no")
    for _ in range(9):
        assert (await portal.log_in("kari@post.no", "et galt passord")).status_code == 401
    stopped = await portal.log_in("kari@post.no")
    assert (stopped.status_code, slug(stopped)) == (429, "too-many-requests")
    clock.advance(timedelta(minutes=1))
    assert (await portal.log_in("kari@post.no")).status_code == 200


async def test_the_public_key_of_the_tokens_is_there_for_everybody(portal: Portal) -> None:
    answer = await portal.http.get("/.well-known/jwks.json")
    [key] = answer.json()["keys"]
    assert (key["kid"], key["alg"], key["crv"]) == ("login", "EdDSA", "Ed25519")
    assert "d" not in key
    assert answer.headers["Cache-Control"] == "public, max-age=300"


async def test_a_password_or_token_is_in_no_refusal(portal: Portal) -> None:
    answer = await portal.http.post("/sessions", json={"email": "kari@post.no", "password": PASSWORD, "extra": 1})
    assert answer.status_code == 422
    assert PASSWORD not in answer.text
