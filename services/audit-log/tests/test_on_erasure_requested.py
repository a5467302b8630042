"""An erasure takes what was said of a person in its categories, and leaves that it happened."""

import pytest
from audit_log_service.holder import HOLDER
from chassis.explain import explain
from chassis.records import Record
from chassis.residue import ResidueScan
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
    with_header,
)


async def nothing_between() -> None:
    """Nobody waits for the next part."""


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


def met(publisher: Publisher, *people: SubjectId) -> Record:
    """A guest's event about several people, of a type that this version does not know."""
    record = with_header(publisher.record(position()), "ce_subjects", ",".join(map(str, people)).encode())
    return with_header(record, "ce_type", b"people.met.v1")


async def test_what_is_about_several_people_goes_with_the_first_of_them_and_that_it_happened_stays(
    service: Service,
) -> None:
    publisher, gone, stays, stranger = Publisher(), somebody(), somebody(), somebody()
    await take_in(service, [met(publisher, gone, stays), met(publisher, stays, stranger)])
    await take_in(service, [publisher.record(corrected(stays))])
    async with borrow(service.database.pool) as connection:
        assert await HOLDER.residue(connection, gone, sorted(EVERYTHING)) == {"contents": 1}
        assert await HOLDER.residue(connection, stays, sorted(EVERYTHING)) == {"contents": 3}
        assert await HOLDER.still_here(connection, [gone, stays]) == {gone, stays}
        explained = await explain(connection, HOLDER, gone, tombstone_days=90)
    assert [(one.table, one.rows) for one in explained.kept if one.table == "contents"] == [("contents", 1)]
    await take_in(service, [publisher.record(to_be_erased(gone, EVERYTHING))])
    async with borrow(service.database.pool) as connection:
        scanned = await ResidueScan(HOLDER, gone, EVERYTHING).run(connection, nothing_between)
        assert await HOLDER.residue(connection, stays, sorted(EVERYTHING)) == {"contents": 2}
    assert scanned.found == {}
    assert [type_ for type_, _ in await logged(service)].count("people.met.v1") == 2


async def test_what_is_about_several_people_stays_while_its_category_is_not_erased(service: Service) -> None:
    publisher, one, other = Publisher(), somebody(), somebody()
    await take_in(service, [met(publisher, one, other)])
    await take_in(service, [publisher.record(to_be_erased(one, frozenset({Category.COMMUNICATION})))])
    async with borrow(service.database.pool) as connection:
        assert await HOLDER.residue(connection, one, sorted(PROFILE_ONLY)) == {"contents": 1}
        scan = ResidueScan(HOLDER, one, {Category.COMMUNICATION})
        assert (await scan.run(connection, nothing_between)).found == {}


async def test_a_persons_contents_are_found_by_indexes_alone(service: Service) -> None:
    condition, arguments = HOLDER.tables[0].rows_of(somebody())
    async with borrow(service.database.pool) as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        plan = await connection.fetch(f"EXPLAIN DELETE FROM contents WHERE {condition}", *arguments)
    text = "\n".join(row[0] for row in plan)
    assert "contents_subject" in text
    assert "contents_several" in text
    assert "Seq Scan" not in text


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
