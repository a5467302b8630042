"""Of a profile, notifications keeps where a person can be reached, sealed, and nothing else."""

from chassis.service import Service
from chassis.sql import borrow
from notifications_service import contacts

from .rig import EVERYTHING, Person, count, everything_stored, say, stands_in


async def test_nothing_that_is_stored_of_a_person_can_be_read(service: Service) -> None:
    person = Person()
    await service.keys.make(person.subject_id, EVERYTHING)
    await say(service, person.registered())
    stored = await everything_stored(service)
    for value in (person.name, "Skogheim", person.email, person.phone, person.street):
        assert not stands_in(stored, value)
    assert stands_in(stored, str(person.subject_id))  # the search finds what is there


async def test_name_and_address_are_kept_and_nothing_else_of_the_profile(service: Service) -> None:
    person = Person()
    await service.keys.make(person.subject_id, EVERYTHING)
    await say(service, person.registered())
    async with service.database.transaction([person.subject_id]) as tx:
        blob = await contacts.find(tx.connection, person.subject_id)
        assert blob is not None
        contact = tx.open(contacts.Contact, blob)
    assert contact.name.reveal() == person.name
    assert contact.email.reveal() == person.email
    assert set(type(contact).model_fields) == {"name", "email"}


async def test_a_registration_that_is_delivered_twice_is_one_contact(service: Service) -> None:
    person = Person()
    await service.keys.make(person.subject_id, EVERYTHING)
    await say(service, person.registered(), person.registered())
    assert await count(service, "contacts") == 1


async def test_a_late_registration_of_an_erased_person_keeps_nothing(service: Service) -> None:
    person = Person()
    await service.keys.make(person.subject_id, EVERYTHING)
    await say(service, person.to_be_erased(), person.registered())
    async with borrow(service.database.pool) as connection:
        assert await contacts.find(connection, person.subject_id) is None
