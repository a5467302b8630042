"""A profile that ended begins one erasure, whatever comes again."""

from uuid import UUID, uuid4

from contracts.personal import Category, SubjectId
from contracts.privacy import ERASURE_SCOPE
from contracts.profile import DeletionReason, ProfileDeleted
from contracts.topics import ERASURE_REPLIES

from .rig import HOLDERS, START, Rig, new_subject


async def test_a_deleted_profile_makes_every_holder_asked(rig: Rig) -> None:
    subject = uuid4()
    await rig.delete(subject)
    (request,) = await rig.requests()
    assert request.subject_id == subject
    assert request.categories == ERASURE_SCOPE[DeletionReason.TERMINATED]
    assert request.due_at.isoformat() == "2026-02-28T12:00:00+00:00"
    assert len(bytes.fromhex(request.nonce)) == 16
    (erasure,) = await rig.erasures_of(subject)
    assert erasure["stage"] == "asking"
    assert erasure["requested_at"] == START.isoformat().replace("+00:00", "Z")
    assert await rig.silent(subject) == set(HOLDERS)


async def test_a_holder_that_registered_is_asked_besides_the_required_ones(rig: Rig) -> None:
    subject = uuid4()
    await rig.register("stranger")
    await rig.delete(subject)
    assert await rig.silent(subject) == {*HOLDERS, "stranger"}


async def test_a_second_deletion_of_the_same_scope_changes_nothing(rig: Rig) -> None:
    subject = uuid4()
    await rig.delete(subject)
    await rig.delete(subject, DeletionReason.INACTIVE)
    assert len(await rig.erasures_of(subject)) == 1
    assert len(await rig.requests()) == 1


async def test_a_second_deletion_of_a_wider_scope_widens_the_first_and_asks_everybody_anew(rig: Rig) -> None:
    subject = uuid4()
    await rig.delete(subject)
    (narrow,) = await rig.requests()
    await rig.answer(narrow, ["profile", "notifications"])
    await rig.delete(subject, DeletionReason.REQUESTED)
    wide = (await rig.requests())[-1]
    assert wide.erasure_id == narrow.erasure_id
    assert wide.nonce != narrow.nonce
    assert wide.categories == {Category.USER_INFORMATION, Category.COMMUNICATION, Category.WEBSITE_USAGE}
    assert await rig.silent(subject) == set(HOLDERS)
    await rig.answer(narrow)  # late answers to the narrow request are no forgery, and count for nothing
    assert await rig.silent(subject) == set(HOLDERS)
    assert await rig.reasons_parked() == []
    await rig.answer(wide)
    assert await rig.stage(subject) == "fencing"


async def test_a_deletion_on_a_topic_that_others_may_write_begins_nothing(rig: Rig) -> None:
    subject = new_subject()
    deleted = rig.record(
        ProfileDeleted(subject_id=subject, reason=DeletionReason.TERMINATED, deleted_at=rig.clock.now())
    )
    await rig.service.runner.run(ERASURE_REPLIES.name, [deleted._replace(topic=ERASURE_REPLIES.name)], [])
    assert await rig.erasures_of(subject) == []
    assert await rig.reasons_parked() == ["profile.deleted.v1: it stands on another topic than its own"]


async def test_a_deletion_of_a_person_who_is_erased_begins_nothing(rig: Rig) -> None:
    subject = uuid4()
    await rig.erase(subject)
    await rig.delete(subject)
    assert [erasure["stage"] for erasure in await rig.erasures_of(subject)] == ["done"]


async def test_each_person_has_an_erasure_of_their_own(rig: Rig) -> None:
    subjects: list[UUID] = [uuid4() for _ in range(3)]
    for subject in subjects:
        await rig.delete(subject)
    requests = await rig.requests()
    assert [request.subject_id for request in requests] == [SubjectId(subject) for subject in subjects]
    assert len({request.nonce for request in requests}) == len({request.erasure_id for request in requests}) == 3
