"""Asked whether keys are used, profile says so under the person's lock, and lets nobody use later what it gave up."""

import asyncio
from uuid import UUID

import pytest
from chassis.errors import SubjectGone
from chassis.problems import Problem
from chassis.service import Service
from chassis.sql import borrow
from chassis.testing.services import deliver
from contracts.personal import Category, Personal, SubjectId
from contracts.profile import KeysAccountedFor
from contracts.rights import KeysUnconfirmed
from profile_service.profiles import Details
from profile_service.register import NewPerson, new_subject, register

from .portal import Portal
from .rig import count, erase, published

KEYS = ("communication", "user_information")
LATE = NewPerson(
    Details(
        name=Personal("Kari"),
        email=Personal("kari@post.example"),
        phone=Personal(None),
        home_address=Personal(None),
        date_of_birth=Personal(None),
    ),
    b"a keyed hash",
    Personal("a password's hash"),
)


async def ask(portal: Portal, subject: UUID) -> None:
    event = KeysUnconfirmed(subject_id=SubjectId(subject), keys=KEYS)
    await deliver(portal.service, event.topic, [event])


async def answers(service: Service) -> list[KeysAccountedFor]:
    async with borrow(service.database.pool) as connection:
        rows = await connection.fetch(
            "SELECT body FROM outbox WHERE position(convert_to($1, 'UTF8') in headers) > 0 ORDER BY position",
            f"ce_type:{KeysAccountedFor.type}\n",
        )
    return [KeysAccountedFor.model_validate_json(row["body"]) for row in rows]


async def test_the_keys_of_who_is_registered_are_used(portal: Portal) -> None:
    kari = await portal.job_seeker()
    await ask(portal, kari.subject_id)
    assert await answers(portal.service) == [KeysAccountedFor(subject_id=kari.subject_id, used=KEYS, unused=())]
    assert (await portal.log_in(kari.email)).status_code == 200


async def test_the_keys_of_a_registration_that_never_came_are_unused(portal: Portal) -> None:
    subject = await new_subject(portal.service)
    await ask(portal, subject)
    assert await answers(portal.service) == [KeysAccountedFor(subject_id=subject, used=(), unused=KEYS)]


async def test_a_registration_that_comes_after_its_keys_were_given_up_fails_with_the_cure(portal: Portal) -> None:
    subject = await new_subject(portal.service)
    await ask(portal, subject)
    with pytest.raises(Problem, match="registration-expired"):
        async with portal.service.database.transaction([subject]) as tx:
            await register(tx, subject, LATE)
    assert await count(portal.service, "logins") == 0
    assert "profile.registered.v1" not in await published(portal.service)


async def test_nothing_can_be_sealed_for_who_was_given_up(portal: Portal) -> None:
    subject = await new_subject(portal.service)
    await ask(portal, subject)
    with pytest.raises(SubjectGone):
        async with portal.service.database.transaction([subject]) as tx:
            tx.seal(LATE.details, subject=subject, record_id=subject, schema="profiles")


async def test_a_registration_and_the_question_at_once_agree(portal: Portal) -> None:
    subject = await new_subject(portal.service)

    async def come() -> bool:
        try:
            async with portal.service.database.transaction([subject]) as tx:
                await register(tx, subject, LATE)
        except Problem:
            return False
        return True

    registered, _ = await asyncio.gather(come(), ask(portal, subject))
    (said,) = await answers(portal.service)
    assert said.used == (KEYS if registered else ())
    assert await count(portal.service, "profiles") == int(registered)


async def test_the_keys_of_who_is_erased_are_left_to_their_erasure(portal: Portal) -> None:
    kari = await portal.job_seeker()
    await erase(portal.service, kari.subject_id, frozenset({Category.USER_INFORMATION}))
    await ask(portal, kari.subject_id)
    assert await answers(portal.service) == [KeysAccountedFor(subject_id=kari.subject_id, used=KEYS, unused=())]
