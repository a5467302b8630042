"""The end of an erasure: its keys are gone for good, everybody is told, and nothing else of the person is touched."""

from uuid import uuid4

from chassis.keys import KeyName
from chassis.scoped_keys import Scope, single
from chassis.sql import borrow
from contracts.personal import Category, SubjectId
from contracts.privacy import SubjectErased
from contracts.profile import DeletionReason
from retention_service import kek, subject_keys

from .rig import Rig


async def test_the_keys_of_the_erased_categories_are_destroyed_and_the_others_live(rig: Rig) -> None:
    subject, other = uuid4(), uuid4()
    await rig.make(subject)
    await rig.make(other)
    mail, theirs = (
        await rig.key("notifications", subject, "communication"),
        await rig.key("profile", other, "application"),
    )
    await rig.erase(subject)
    assert await rig.stage(subject) == "done"
    assert await rig.key("profile", subject, "user_information") is None
    assert await rig.key("notifications", subject, "communication") == mail
    assert await rig.key("profile", other, "application") == theirs
    assert mail is not None
    assert theirs is not None


async def test_everybody_is_told_with_the_id_and_the_categories_only(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    await rig.erase(subject, DeletionReason.REQUESTED)
    (told,) = await rig.published(SubjectErased)
    scope = frozenset({Category.USER_INFORMATION, Category.COMMUNICATION, Category.WEBSITE_USAGE})
    assert told == SubjectErased(subject_id=SubjectId(subject), categories=scope)


async def test_a_destroyed_key_is_never_made_again(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    await rig.erase(subject)
    again = await rig.make(subject)
    keys = {key["category"]: key["key"] for key in again.json()["keys"]}
    assert again.status_code == 200
    assert keys["user_information"] is None
    assert await rig.key("profile", subject, "user_information") is None


async def test_a_key_that_was_never_made_can_not_be_made_after_the_erasure(rig: Rig) -> None:
    subject = uuid4()
    await rig.erase(subject)
    await rig.make(subject)
    assert await rig.key("profile", subject, "user_information") is None


async def test_every_remaining_row_opens_with_unwrap_and_a_destroyed_one_does_not(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    known = await rig.key("profile", subject, "application")
    await rig.erase(subject)
    keks = kek.load(rig.settings.kek_dir)
    async with borrow(rig.service.database.pool) as connection:
        rows = await subject_keys.of_subject(connection, SubjectId(subject))
    opened = {row.name: subject_keys.unwrap(keks, row) for row in rows}
    assert opened[KeyName(SubjectId(subject), "application")] == known
    assert opened[KeyName(SubjectId(subject), "user_information")] is None
    assert sum(key is not None for key in opened.values()) == 4


async def test_keys_are_not_destroyed_before_the_fence(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    await rig.delete(subject)
    await rig.answer((await rig.requests())[0])
    await rig.work("destroy_keys")
    assert await rig.stage(subject) == "fencing"
    assert await rig.key("profile", subject, "user_information") is not None


async def test_with_the_category_the_keys_of_all_its_applications_are_destroyed_and_no_other_single_ones(
    rig: Rig,
) -> None:
    subject, other = uuid4(), uuid4()
    names = [single(Scope.APPLICATION, uuid4()), single(Scope.APPLICATION, uuid4())]
    for person in (subject, other):
        await rig.make(person, [*Category, *names])
    await rig.delete(subject)
    await rig.answer((await rig.requests())[-1])
    async with borrow(rig.service.database.pool) as connection:
        await connection.execute("UPDATE erasures SET categories = categories || '{application}'::text[]")
    await rig.without_fence(subject)
    assert [await rig.key("profile", subject, name) for name in names] == [None, None]
    assert None not in [await rig.key("profile", other, name) for name in names]
    async with borrow(rig.service.database.pool) as connection:
        rows = await subject_keys.of_subject(connection, SubjectId(subject))
    living = {row.name.category for row in rows if row.wrapped is not None}
    assert living == {Category.COMMUNICATION, Category.RIGHTS_CASE, Category.WEBSITE_USAGE}


async def test_no_application_gets_a_key_once_the_category_is_destroyed(rig: Rig) -> None:
    subject, name = uuid4(), single(Scope.APPLICATION, uuid4())
    await rig.delete(subject)
    await rig.answer((await rig.requests())[-1])
    async with borrow(rig.service.database.pool) as connection:
        await connection.execute("UPDATE erasures SET categories = categories || '{application}'::text[]")
    await rig.without_fence(subject)
    answer = await rig.make(subject, [name])
    assert answer.json()["keys"] == [{"subject_id": str(subject), "category": name, "key": None}]
    assert await rig.key("profile", subject, name) is None
