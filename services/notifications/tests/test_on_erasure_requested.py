"""An erasure leaves what it was not asked for, nothing of what it was, and an answer that only this service can give."""

import json

from chassis.holder_replies import is_signed_by
from chassis.service import Service
from chassis.sql import borrow
from contracts.personal import Category
from contracts.privacy import PersonalDataErased
from notifications_service.holder import HOLDER

from chassis import outbox

from .rig import EVERYTHING, PROFILE_ONLY, Person, count, do_work, known, position, published, say
from .smtp_server import Catcher


async def test_everything_of_one_person_goes_and_nothing_of_another(service: Service) -> None:
    gone, stays = Person(), Person()
    await known(service, gone, stays)
    await say(service, position())
    await do_work(service, "job_alert", "mail")
    await say(service, gone.to_be_erased(EVERYTHING))
    async with borrow(service.database.pool) as connection:
        assert await HOLDER.residue(connection, gone.subject_id, sorted(EVERYTHING)) == {}
        left = await HOLDER.residue(connection, stays.subject_id, list(Category))
    assert left == {"contacts": 1, "interests": 1, "interest_search": 1, "mails": 1}


async def test_what_was_said_to_a_person_outlives_the_profile(service: Service, catcher: Catcher) -> None:
    person = Person()
    await known(service, person)
    await say(service, position())
    await do_work(service, "job_alert", "mail")
    await say(service, person.to_be_erased(PROFILE_ONLY), position())
    await do_work(service, "job_alert", "mail")
    assert len(catcher.mails) == 1
    assert await count(service, "mails") == 1
    assert await count(service, "contacts") == 0
    assert await count(service, "interests") == 0


async def test_the_answer_counts_the_rows_and_is_signed(service: Service) -> None:
    person = Person()
    await known(service, person)
    request = person.to_be_erased(EVERYTHING)
    await say(service, request)
    async with borrow(service.database.pool) as connection:
        [row] = await outbox.due(connection, 10)
        reply = PersonalDataErased.model_validate_json(json.dumps(json.loads(row.body)))
    assert (reply.erasure_id, reply.nonce, reply.holder) == (request.erasure_id, request.nonce, "notifications")
    assert reply.rows["contacts"] == 1
    assert (reply.rows["interests"], reply.rows["interest_search"]) == (1, 1)
    async with service.database.transaction(keys=()) as tx:
        assert is_signed_by(reply, tx.signing_key.public_key())


async def test_the_same_request_again_is_answered_again_with_nothing_left(service: Service) -> None:
    person = Person()
    await known(service, person)
    await say(service, person.to_be_erased(), person.to_be_erased())
    assert await published(service) == ["personal.data.erased.v1"] * 2


async def test_nothing_that_comes_late_brings_a_person_back(service: Service, catcher: Catcher) -> None:
    person = Person()
    await known(service, person)
    await say(service, person.to_be_erased(), person.registered(), person.wants(), position())
    await do_work(service, "job_alert", "mail")
    assert catcher.mails == []
    async with borrow(service.database.pool) as connection:
        assert await HOLDER.residue(connection, person.subject_id, sorted(EVERYTHING)) == {}
    assert await count(service, "parked") == 0
