"""A job seeker reads what was sent to them, page by page, and nobody else's."""

from chassis.service import Service
from chassis.testing.keyring import KeyringServer
from chassis.tokens import Role

from .edge import edge_of, signer
from .rig import EVERYTHING, PROFILE_ONLY, Person, do_work, known, position, say
from .smtp_server import Catcher

JOB_SEEKER = Role("job_seeker")


async def test_a_person_reads_their_own_mails_newest_first_page_by_page(service: Service) -> None:
    person, other = Person(), Person(name="Ola Utenfor", email="ola@post.example")
    await known(service, person, other)
    await say(service, position(), position(), position())
    await do_work(service, "job_alert", "mail")
    login = signer(service, "login")
    headers = {"Authorization": f"Bearer {login.login('profile', person.subject_id, JOB_SEEKER)}"}
    async with edge_of(service, login) as client:
        first = (await client.get("/me/messages", params={"limit": 2}, headers=headers)).json()
        rest = (await client.get("/me/messages", params={"limit": 2, "cursor": first["next"]}, headers=headers)).json()
    assert len(first["items"]) == 2
    assert len(rest["items"]) == 1
    assert rest["next"] is None
    messages = [*first["items"], *rest["items"]]
    assert {message["address"] for message in messages} == {person.email}
    assert [message["message_id"] for message in messages] == sorted(
        (message["message_id"] for message in messages), reverse=True
    )
    assert person.name in messages[0]["text"]


async def test_a_mail_that_was_not_sent_is_not_shown(service: Service, catcher: Catcher) -> None:
    person = Person()
    await known(service, person)
    await say(service, position())
    catcher.rcpt_answers.append("550 No")
    await do_work(service, "job_alert", "mail")
    login = signer(service, "login")
    headers = {"Authorization": f"Bearer {login.login('profile', person.subject_id, JOB_SEEKER)}"}
    async with edge_of(service, login) as client:
        assert (await client.get("/me/messages", headers=headers)).json() == {"items": [], "next": None}


async def test_what_was_erased_is_not_shown_and_what_was_not_is(service: Service) -> None:
    person = Person()
    await known(service, person)
    await say(service, position())
    await do_work(service, "job_alert", "mail")
    login = signer(service, "login")
    headers = {"Authorization": f"Bearer {login.login('profile', person.subject_id, JOB_SEEKER)}"}
    async with edge_of(service, login) as client:
        await say(service, person.to_be_erased(PROFILE_ONLY))
        assert len((await client.get("/me/messages", headers=headers)).json()["items"]) == 1
        await say(service, person.to_be_erased(EVERYTHING))
        assert (await client.get("/me/messages", headers=headers)).json()["items"] == []


async def test_nobody_without_a_job_seekers_token_reads_anything(service: Service) -> None:
    login, stranger = signer(service, "login"), signer(service, "login")
    person = Person()
    tokens = {
        None: 401,
        stranger.login("profile", person.subject_id, JOB_SEEKER): 401,
        login.login("profile", person.subject_id, Role("employer")): 403,
    }
    async with edge_of(service, login) as client:
        for token, status in tokens.items():
            headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
            assert (await client.get("/me/messages", headers=headers)).status_code == status


async def test_without_the_keyring_the_answer_is_to_ask_again(service: Service, keyring: KeyringServer) -> None:
    login = signer(service, "login")
    headers = {"Authorization": f"Bearer {login.login('profile', Person().subject_id, JOB_SEEKER)}"}
    keyring.unavailable = True
    async with edge_of(service, login) as client:
        answer = await client.get("/me/messages", headers=headers)
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
