"""An erasure takes what was said of a person in its categories, and leaves that it happened."""

import pytest
from audit_log_service.holder import HOLDER
from chassis.service import Service
from chassis.sql import borrow
from contracts.communication import MessageKind, MessageSent
from contracts.personal import Category, Personal, SubjectId
from contracts.privacy import PersonalDataErased

from chassis import outbox

from .rig import (
    AT,
    EVERYTHING,
    PROFILE_ONLY,
    Publisher,
    corrected,
    kept,
    logged,
    position,
    somebody,
    take_in,
    to_be_erased,
)


def message(subject: SubjectId) -> MessageSent:
    return MessageSent(
        subject_id=subject,
        message_id=somebody(),
        kind=MessageKind.JOB_ALERT,
        sent_at=AT,
        position_id=Personal(None),
    )


@pytest.mark.parametrize(
    ("categories", "left"),
    [(PROFILE_ONLY, {"contents": 2}), (EVERYTHING, {"contents": 1})],
)
async def test_only_the_categories_asked_for_go(
    service: Service, categories: frozenset[Category], left: dict[str, int]
) -> None:
    publisher, person = Publisher(), somebody()
    await take_in(service, [publisher.record(corrected(person))])
    await take_in(service, [publisher.record(message(person))])
    await take_in(service, [publisher.record(to_be_erased(person, categories))])
    async with borrow(service.database.pool) as connection:
        assert await HOLDER.residue(connection, person, sorted(categories)) == {}
        assert await HOLDER.residue(connection, person, list(Category)) == left
    assert len(await logged(service)) == 3


async def test_nothing_of_anybody_else_goes(service: Service) -> None:
    publisher, gone, stays = Publisher(), somebody(), somebody()
    await take_in(service, [publisher.record(corrected(gone)), publisher.record(corrected(stays))])
    await take_in(service, [publisher.record(position())])
    await take_in(service, [publisher.record(to_be_erased(gone, EVERYTHING))])
    assert await kept(service) == [
        (stays, "user_information"),
        (None, None),
        (gone, "rights_case"),
    ]


async def test_the_answer_counts_what_went(service: Service) -> None:
    publisher, person = Publisher(), somebody()
    await take_in(service, [publisher.record(corrected(person)), publisher.record(corrected(person))])
    await take_in(service, [publisher.record(message(person))])
    await take_in(service, [publisher.record(to_be_erased(person, EVERYTHING))])
    async with borrow(service.database.pool) as connection:
        [row] = await outbox.due(connection, 10)
    reply = PersonalDataErased.model_validate_json(row.body)
    assert reply.holder == "audit-log"
    assert reply.rows["contents"] == 3


async def test_what_others_said_of_a_person_before_in_the_same_batch_goes_too(service: Service) -> None:
    publisher, person = Publisher(), somebody()
    before, request = publisher.record(corrected(person)), publisher.record(to_be_erased(person))
    await take_in(service, [before, request])
    assert await kept(service) == [(person, "rights_case")]
