"""One contract, two keyrings: what services meet in their tests (`KeyringServer`) behaves as the real one does."""

from base64 import b64decode
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
from chassis.errors import KeyringUnavailable, SubjectGone
from chassis.keys import LOG_KEY, KeyName, SubjectKeys
from chassis.testing.keyring import KeyringServer
from chassis.tokens import Signer
from contracts.personal import Category, SubjectId

from .rig import Rig, new_subject


@dataclass
class Keyring:
    """One of the two, and how its keys end."""

    url: str
    destroy: Callable[[SubjectId, Category], Coroutine[None, None, None]]


@pytest_asyncio.fixture(params=["real", "for tests"])
async def either(request: pytest.FixtureRequest, rig: Rig, keyring: KeyringServer) -> Keyring:
    async def erase(subject: SubjectId, _category: Category) -> None:
        await rig.erase(subject)

    async def destroy(subject: SubjectId, category: Category) -> None:
        keyring.destroy(subject, [category])

    return Keyring(rig.url, erase) if request.param == "real" else Keyring(keyring.url, destroy)


def _client(rig: Rig, http: httpx.AsyncClient) -> SubjectKeys:
    signer = Signer("profile", rig.identities.pem("profile"), rig.clock)
    return SubjectKeys(http, signer, rig.clock, frozenset({Category.USER_INFORMATION}))


USER = Category.USER_INFORMATION


async def test_what_was_made_is_found_by_everybody_who_asks_later(either: Keyring, rig: Rig) -> None:
    subject = new_subject()
    name = KeyName(subject, USER)
    async with httpx.AsyncClient(base_url=either.url) as http:
        await _client(rig, http).make(subject, list(Category))
        await _client(rig, http).make(subject, list(Category))
        found = await _client(rig, http).fetch([LOG_KEY, name])
    assert set(found.keys) == {LOG_KEY, name}


async def test_what_was_never_made_is_absent(either: Keyring, rig: Rig) -> None:
    async with httpx.AsyncClient(base_url=either.url) as http:
        found = await _client(rig, http).fetch([LOG_KEY, KeyName(new_subject(), USER)])
    assert set(found.keys) == {LOG_KEY}


async def test_what_was_destroyed_is_absent_and_can_not_be_made_again(either: Keyring, rig: Rig) -> None:
    subject = new_subject()
    async with httpx.AsyncClient(base_url=either.url) as http:
        await _client(rig, http).make(subject, [USER])
        await either.destroy(subject, USER)
        found = await _client(rig, http).fetch([LOG_KEY, KeyName(subject, USER)])
        assert set(found.keys) == {LOG_KEY}
        with pytest.raises(SubjectGone):
            await _client(rig, http).make(subject, [USER])


async def test_answers_name_each_key_and_hold_32_bytes_or_null(either: Keyring, rig: Rig) -> None:
    made, absent = new_subject(), new_subject()
    async with httpx.AsyncClient(base_url=either.url, headers=rig.token("profile")) as http:
        await http.post("/keys", json={"subject_id": str(made), "categories": [USER]})
        wanted = [{"subject_id": str(subject), "category": USER} for subject in (absent, made)]
        keys = (await http.post("/keys/fetch", json={"keys": wanted})).json()["keys"]
    assert [(key["subject_id"], key["category"]) for key in keys] == [(str(absent), USER), (str(made), USER)]
    assert keys[0]["key"] is None
    assert len(b64decode(keys[1]["key"])) == 32


async def test_a_caller_without_a_token_is_refused(either: Keyring) -> None:
    async with httpx.AsyncClient(base_url=either.url) as http:
        answer = await http.post("/keys/fetch", json={"keys": [{"subject_id": str(new_subject()), "category": "log"}]})
    assert answer.status_code == 401


async def test_more_than_a_thousand_keys_at_once_are_refused(either: Keyring, rig: Rig) -> None:
    wanted = [{"subject_id": str(new_subject()), "category": USER} for _ in range(1001)]
    async with httpx.AsyncClient(base_url=either.url, headers=rig.token("profile")) as http:
        assert (await http.post("/keys/fetch", json={"keys": wanted})).status_code == 422


async def test_a_keyring_that_is_away_is_an_outage_and_never_an_absent_key(rig: Rig) -> None:
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9") as http:
        with pytest.raises(KeyringUnavailable):
            await _client(rig, http).fetch([KeyName(new_subject(), USER)])


async def test_what_was_destroyed_is_told_to_who_asks_and_once(either: Keyring, rig: Rig) -> None:
    subject = new_subject()
    name = KeyName(subject, USER)
    async with httpx.AsyncClient(base_url=either.url) as http:
        keys = _client(rig, http)
        await keys.pull_destroyed()
        await keys.make(subject, [USER])
        assert (await keys.fetch([name])).find(name) is not None
        await either.destroy(subject, USER)
        assert (await keys.fetch([name])).find(name) is not None, "it is cached"
        await keys.pull_destroyed()
        assert (await keys.fetch([name])).find(name) is None


async def test_a_place_that_the_keyring_does_not_know_means_to_forget_everything(either: Keyring, rig: Rig) -> None:
    query = {"after": "00000000-0000-0000-0000-000000000000.7"}
    async with httpx.AsyncClient(base_url=either.url, headers=rig.token("profile")) as http:
        first = (await http.get("/keys/destroyed")).json()
        unknown = (await http.get("/keys/destroyed", params=query)).json()
    assert first == unknown
    assert (first["keys"], first["more"], first["reset"]) == ([], False, True)
