"""The keyring over HTTP: who gets which keys, how many at once, and what it answers to what it does not accept."""

import asyncio
from base64 import b64decode
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from chassis.keys import NO_SUBJECT
from chassis.sql import borrow
from contracts.personal import Category
from prometheus_client import generate_latest
from retention_service.kek import begin_epoch, load

from .rig import HOLDERS, Rig

READERS = {
    "profile": {"user_information", "application", "log"},
    "notifications": {"user_information", "communication", "rights_case", "log"},
    "audit-log": {"website_usage", "log"},
    "retention": {"rights_case", "log"},
    "stranger": set[str](),
}


async def test_making_keys_is_answered_with_those_that_the_maker_may_read(rig: Rig) -> None:
    subject = uuid4()
    answer = await rig.make(subject)
    assert answer.status_code == 201
    keys = {key["category"]: key for key in answer.json()["keys"]}
    assert set(keys) == {"application", "user_information"}
    assert all(key["subject_id"] == str(subject) and len(b64decode(key["key"])) == 32 for key in keys.values())
    assert answer.headers["Cache-Control"] == "no-store"


async def test_making_keys_again_gives_the_same_keys(rig: Rig) -> None:
    subject = uuid4()
    first, again = await rig.make(subject), await rig.make(subject)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


async def test_two_at_once_who_make_a_persons_keys_get_the_same(rig: Rig) -> None:
    subject = uuid4()
    answers = await asyncio.gather(*(rig.make(subject) for _ in range(8)))
    assert len({answer.text for answer in answers}) == 1
    assert sum(answer.status_code == 201 for answer in answers) == 1


async def test_every_key_is_another(rig: Rig) -> None:
    subjects = [uuid4() for _ in range(3)]
    for subject in subjects:
        await rig.make(subject)
    names = [(subject, category) for subject in subjects for category in ("user_information", "application")]
    answer = await rig.fetch("profile", *names)
    keys = [key["key"] for key in answer.json()["keys"]]
    assert None not in keys
    assert len(set(keys)) == len(names)


@pytest.mark.parametrize("caller", READERS)
async def test_a_category_that_is_not_allowed_is_refused_by_name(rig: Rig, caller: str) -> None:
    subject = uuid4()
    await rig.make(subject)
    for category in (*Category, "log"):
        answer = await rig.fetch(caller, (subject, category))
        assert answer.headers["Cache-Control"] == "no-store"
        if category in READERS[caller]:
            assert answer.status_code == 200
            assert (answer.json()["keys"][0]["key"] is None) == (category == "log")
        else:
            assert answer.status_code == 403
            assert answer.json()["categories"] == [category]
            assert answer.json()["type"] == "urn:tillit:problem:category-not-allowed"


SINGLES = {"application": {"profile"}, "hold": {"profile", "notifications", "retention"}, "export": {"retention"}}


@pytest.mark.parametrize("scope", SINGLES)
async def test_the_key_of_a_single_thing_is_allowed_by_its_scope(rig: Rig, scope: str) -> None:
    name = (uuid4(), f"{scope}:{uuid4()}")
    for caller in READERS:
        answer = await rig.fetch(caller, name)
        if caller in SINGLES[scope]:
            assert answer.json()["keys"] == [{"subject_id": str(name[0]), "category": name[1], "key": None}]
        else:
            assert answer.status_code == 403
            assert answer.json()["categories"] == [scope]


async def test_an_application_has_a_key_of_its_own_and_profile_makes_no_other_single_ones(rig: Rig) -> None:
    subject, one, another = uuid4(), f"application:{uuid4()}", f"application:{uuid4()}"
    made = await rig.make(subject, [one, another])
    assert made.status_code == 201
    assert len({key["key"] for key in made.json()["keys"]} - {None}) == 2
    for scope in ("hold", "export"):
        refused = await rig.make(subject, [f"{scope}:{uuid4()}"])
        assert refused.status_code == 403
        assert refused.json()["categories"] == [scope]


async def test_single_things_are_counted_by_scope_and_never_by_id(rig: Rig) -> None:
    subject = uuid4()
    names = [f"application:{uuid4()}" for _ in range(3)]
    await rig.make(subject, names)
    await rig.fetch("profile", *((subject, name) for name in names))
    status = (await rig.get("/keyring/status")).json()
    assert {count["category"]: count["living"] for count in status["categories"]} == {"application": 3, "log": 1}
    measured = generate_latest(rig.service.metrics.registry).decode()
    assert 'tillit_keyring_keys_total{caller="profile",category="application",outcome="living"} 6.0' in measured
    assert not any(name.partition(":")[2] in measured for name in names)


async def test_one_category_that_is_not_allowed_refuses_the_whole_request(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    answer = await rig.fetch("audit-log", (subject, "website_usage"), (subject, "user_information"))
    assert answer.status_code == 403
    assert "keys" not in answer.json()


@pytest.mark.parametrize("caller", [holder for holder in HOLDERS if holder != "profile"])
async def test_only_the_profile_service_makes_keys(rig: Rig, caller: str) -> None:
    answer = await rig.post(caller, "/keys", {"subject_id": str(uuid4()), "categories": ["rights_case"]})
    assert answer.status_code == 403
    assert answer.json()["categories"] == ["rights_case"]


@pytest.mark.parametrize("caller", HOLDERS)
async def test_every_service_reads_the_logs_own_key(rig: Rig, caller: str) -> None:
    key = await rig.key(caller, NO_SUBJECT, "log")
    assert key is not None
    assert key == await rig.key("profile", NO_SUBJECT, "log")


async def test_nobody_makes_a_key_for_the_log_or_for_nobody(rig: Rig) -> None:
    log = await rig.post("profile", "/keys", {"subject_id": str(uuid4()), "categories": ["log"]})
    nobody = await rig.post("profile", "/keys", {"subject_id": str(NO_SUBJECT), "categories": ["application"]})
    assert (log.status_code, nobody.status_code) == (422, 422)


async def test_what_was_never_made_is_null_and_is_not_made_by_asking(rig: Rig) -> None:
    subject = uuid4()
    assert await rig.key("profile", subject, "user_information") is None
    assert await rig.key("profile", subject, "user_information") is None
    assert (await rig.make(subject)).status_code == 201


async def test_a_full_request_is_answered_in_order_and_each_key_once(rig: Rig) -> None:
    subjects = [uuid4() for _ in range(999)]
    await rig.make(subjects[500])
    names = [(subject, "user_information") for subject in subjects]
    answer = await rig.fetch("profile", *names, names[0])
    keys = answer.json()["keys"]
    assert [key["subject_id"] for key in keys] == [str(subject) for subject in subjects]
    assert [n for n, key in enumerate(keys) if key["key"] is not None] == [500]


async def test_an_oversize_request_is_refused(rig: Rig) -> None:
    answer = await rig.fetch("profile", *((uuid4(), "user_information") for _ in range(1001)))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/keys"


MALFORMED: list[tuple[str, object]] = [
    ("/keys", {"subject_id": "not-an-id", "categories": ["application"]}),
    ("/keys", {"subject_id": str(uuid4()), "categories": []}),
    ("/keys", {"subject_id": str(uuid4()), "categories": ["shoe_size"]}),
    ("/keys", {"subject_id": str(uuid4()), "categories": "application"}),
    ("/keys", {"subject_id": str(uuid4()), "categories": ["application:shoe_size"]}),
    ("/keys", {"subject_id": str(uuid4()), "categories": [f"salary:{uuid4()}"]}),
    ("/keys/fetch", {"keys": [{"subject_id": str(uuid4()), "category": "hold"}]}),
    ("/keys", {"subject_id": str(uuid4())}),
    ("/keys", {"subject_id": str(uuid4()), "categories": ["application"], "more": 1}),
    ("/keys/fetch", {"keys": []}),
    ("/keys/fetch", {"keys": [{"subject_id": "42", "category": "log"}]}),
    ("/keys/fetch", {"keys": [{"subject_id": str(uuid4()), "category": "shoe_size"}]}),
    ("/keys/fetch", {"keys": [{"subject_id": str(uuid4())}]}),
    ("/keys/fetch", {"keys": [None]}),
    ("/keys/fetch", []),
]


async def test_a_malformed_request_is_refused_without_an_echo(rig: Rig) -> None:
    for path, body in MALFORMED:
        answer = await rig.post("profile", path, body)
        assert answer.status_code == 422, body
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "shoe_size" not in answer.text
        assert "not-an-id" not in answer.text


async def test_a_caller_without_a_good_token_gets_nothing(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    expired = rig.token("profile")
    rig.clock.advance(timedelta(minutes=2))
    async with httpx.AsyncClient(base_url=rig.url) as client:
        body = {"keys": [{"subject_id": str(subject), "category": "user_information"}]}
        late = await client.post("/keys/fetch", json=body, headers=expired)
        none = await client.post("/keys/fetch", json=body)
    forged = await rig.post("operator", "/keys/fetch", body)
    assert (late.status_code, none.status_code, forged.status_code) == (401, 401, 403)


async def test_the_operator_sees_counts_and_epochs_and_no_key(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    answer = await rig.get("/keyring/status")
    status = answer.json()
    assert status["newest_epoch"] == 1
    assert status["living_by_epoch"] == {"1": 6}
    assert {count["category"]: count["living"] for count in status["categories"]} == {
        **dict.fromkeys(Category, 1),
        "log": 1,
    }
    assert str(subject) not in answer.text
    assert (await rig.get("/keyring/status", "profile")).status_code == 403


async def test_keys_of_a_lost_epoch_are_answered_as_an_outage_never_as_destroyed(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    async with borrow(rig.service.database.pool) as connection:
        await connection.execute("UPDATE subject_keys SET kek_epoch = 7 WHERE subject_id = $1", subject)
    answer = await rig.fetch("profile", (subject, "user_information"))
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers


async def test_a_key_that_names_another_epoch_than_its_own_is_an_outage_and_no_key(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    begin_epoch(rig.settings.kek_dir)
    async with borrow(rig.service.database.pool) as connection:
        await connection.execute("UPDATE subject_keys SET kek_epoch = 2 WHERE subject_id = $1", subject)
    assert (await rig.fetch("profile", (subject, "user_information"))).status_code == 503
    assert (await rig.make(subject)).status_code == 503


async def test_a_key_under_an_epoch_that_was_just_begun_elsewhere_is_read_at_once(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    key = await rig.key("profile", subject, "user_information")
    assert key is not None
    begin_epoch(rig.settings.kek_dir)
    again = load(rig.settings.kek_dir).wrap(subject, "user_information", key)
    async with borrow(rig.service.database.pool) as connection:
        await connection.execute(
            "UPDATE subject_keys SET kek_epoch = 2, wrapped = $2 WHERE subject_id = $1 AND category = $3",
            subject,
            again.ciphertext,
            "user_information",
        )
    assert await rig.key("profile", subject, "user_information") == key
