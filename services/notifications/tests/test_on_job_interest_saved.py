"""A saved interest is found by what it means, not by how it was spelt, and belongs to one person."""

from chassis.service import Service
from chassis.sql import borrow
from notifications_service import interest_search

from .rig import EVERYTHING, Person, count, known, say


async def test_an_interest_without_a_place_means_anywhere(service: Service) -> None:
    person = Person()
    await known(service, person)
    await say(service, person.wants(" SYKEPLEIER ", None))
    async with borrow(service.database.pool) as connection:
        assert await interest_search.people_interested(connection, "sykepleier", "tromsø") == [person.subject_id]


async def test_an_interest_in_another_place_does_not_match(service: Service) -> None:
    await known(service, Person())
    async with borrow(service.database.pool) as connection:
        assert await interest_search.people_interested(connection, "sykepleier", "tromsø") == []


async def test_two_interests_of_one_person_that_match_are_one_person(service: Service) -> None:
    person, again = Person(), Person()
    again.subject_id = person.subject_id
    await known(service, person)
    await say(service, again.wants(place=None))
    async with borrow(service.database.pool) as connection:
        assert await interest_search.people_interested(connection, "sykepleier", "bodø") == [person.subject_id]


async def test_an_interest_is_never_taken_over_by_another_person(service: Service) -> None:
    owner, other = Person(), Person()
    other.interest_id = owner.interest_id
    await known(service, owner, other)
    async with borrow(service.database.pool) as connection:
        assert await interest_search.people_interested(connection, "sykepleier", "bodø") == [owner.subject_id]


async def test_a_late_interest_of_an_erased_person_keeps_nothing(service: Service) -> None:
    person = Person()
    await service.keys.make(person.subject_id, EVERYTHING)
    await say(service, person.registered(), person.to_be_erased(), person.wants())
    assert await count(service, "interests") == 0


async def test_an_occupation_longer_than_an_index_row_is_kept(service: Service) -> None:
    person = Person()
    await known(service, person)
    await say(service, person.wants("å" * 20_000, "ø" * 20_000))
    assert await count(service, "interests") == 1
    assert await count(service, "parked") == 0
