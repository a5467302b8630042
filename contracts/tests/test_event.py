"""What every event class is held to when it is defined, and what its wire name is."""

import importlib
import pkgutil
import re
from uuid import UUID

import pytest
from contracts.asyncapi_documents import senders
from contracts.communication import MessageKind, MessageSent
from contracts.event import Event, wire_name
from contracts.generate import FOLDER
from contracts.personal import Category, Communication, Personal, SubjectId, UserInformation
from contracts.position import PositionPublished
from contracts.privacy import SubjectErased
from contracts.profile import ProfileRegistered
from contracts.registry import EVENT_BY_TYPE, EVENTS
from contracts.topics import HOLDERS, PROFILE, RETENTION_DAYS, TOPICS, Topic
from pydantic import ValidationError

FIRST, SECOND = SubjectId(UUID(int=1)), SubjectId(UUID(int=2))


@pytest.mark.parametrize(
    ("class_name", "expected"),
    [
        ("ErasureRequested", "erasure.requested.v1"),
        ("JobInterestSaved", "job.interest.saved.v1"),
        ("PositionPublishedV2", "position.published.v2"),
        ("PositionPublishedV12", "position.published.v12"),
        ("Moved", "moved.v1"),
    ],
)
def test_a_wire_name_is_derived_from_the_class_name(class_name: str, expected: str) -> None:
    assert wire_name(class_name) == expected


def test_every_event_has_a_wire_name_of_its_own() -> None:
    assert len(EVENT_BY_TYPE) == len(EVENTS) == len({event.__name__ for event in EVENTS})
    assert all(re.fullmatch(r"[a-z0-9]+(\.[a-z0-9]+)*\.v[1-9][0-9]*", name) for name in EVENT_BY_TYPE)


def test_every_event_class_that_contracts_defines_is_registered() -> None:
    modules = {f"contracts.{module.name}" for module in pkgutil.iter_modules([str(FOLDER / "src" / "contracts")])}
    for name in modules:
        importlib.import_module(name)

    assert {event for event in Event.__subclasses__() if event.__module__ in modules} == set(EVENTS)


def test_every_event_travels_on_a_registered_topic_and_says_what_it_means() -> None:
    for event in EVENTS:
        assert TOPICS[event.topic.name] is event.topic
        assert event.__doc__
        assert len(event.__doc__.splitlines()[0]) > 10


def test_every_topic_is_kept_shorter_than_inbox_and_tombstones() -> None:
    assert RETENTION_DAYS == 21
    assert all(topic.retention_days <= RETENTION_DAYS < 90 for topic in TOPICS.values())
    assert all((topic.local_partitions, topic.partitions) == (6, 12) for topic in TOPICS.values())


def test_an_event_without_its_key_field_is_refused_with_the_cure() -> None:
    with pytest.raises(TypeError, match="pass key=<field> in the class line"):

        class Keyless(Event, topic=PROFILE):  # pyright: ignore[reportUnusedClass]
            employer_id: UUID


def test_an_event_about_a_person_without_a_category_is_refused_with_the_cure() -> None:
    with pytest.raises(TypeError, match="name its category= in the class line"):

        class Uncategorised(Event, topic=PROFILE):  # pyright: ignore[reportUnusedClass]
            subject_id: SubjectId


def test_an_event_of_two_categories_must_say_which_clock_it_follows() -> None:
    with pytest.raises(TypeError, match="name its category= in the class line"):

        class Mixed(Event, topic=PROFILE):  # pyright: ignore[reportUnusedClass]
            subject_id: SubjectId
            email: Personal[str, UserInformation]
            message: Personal[str, Communication]


def test_personal_fields_with_two_people_are_refused_because_nobodys_key_would_seal_them() -> None:
    with pytest.raises(TypeError, match="exactly one SubjectId field"):

        class Shared(Event, topic=PROFILE):  # pyright: ignore[reportUnusedClass]
            subject_id: SubjectId
            recipient_id: SubjectId
            email: Personal[str, UserInformation]


def test_personal_fields_with_nobody_are_refused() -> None:
    with pytest.raises(TypeError, match="exactly one SubjectId field"):

        class Orphan(Event, topic=PROFILE, key="position_id"):  # pyright: ignore[reportUnusedClass]
            position_id: UUID
            email: Personal[str, UserInformation]


def test_an_event_knows_its_key_its_people_and_its_category() -> None:
    erased = SubjectErased(subject_id=FIRST, categories=frozenset({Category.COMMUNICATION}))

    assert erased.key == str(FIRST)
    assert erased.subjects() == (FIRST,)
    assert SubjectErased.category is Category.RIGHTS_CASE
    assert ProfileRegistered.category is Category.USER_INFORMATION
    assert MessageSent.personal_fields == {"position_id": Category.COMMUNICATION}
    assert PositionPublished.key_field == "position_id"
    assert PositionPublished.subject_fields == ()


def test_an_event_about_several_people_names_each_once_and_sorted() -> None:
    class Introduced(Event, topic=PROFILE, category=Category.USER_INFORMATION):
        subject_id: SubjectId
        other_id: SubjectId | None = None

    assert Introduced(subject_id=SECOND, other_id=FIRST).subjects() == (FIRST, SECOND)
    assert Introduced(subject_id=SECOND, other_id=SECOND).subjects() == (SECOND,)
    assert Introduced(subject_id=SECOND).subjects() == (SECOND,)


def test_an_event_is_a_fact_and_does_not_change() -> None:
    erased = SubjectErased(subject_id=FIRST, categories=frozenset())

    with pytest.raises(ValidationError, match="frozen"):
        erased.subject_id = SECOND  # pyright: ignore[reportAttributeAccessIssue]


def test_an_event_takes_no_field_that_it_does_not_know() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        SubjectErased(subject_id=FIRST, categories=frozenset(), name="Kari")  # type: ignore[call-arg]  # pyright: ignore


def test_what_mails_are_about_is_sealed_and_that_one_was_sent_is_not() -> None:
    assert set(MessageKind) == {"job_alert", "deletion_announced"}
    assert "sent_at" not in MessageSent.personal_fields


def test_a_topic_is_published_on_by_its_owner_and_by_the_guests_that_it_names() -> None:
    topic = Topic("visits.v1", "profile", "visit id", guests=("visitor",))
    assert topic.may_publish("profile")
    assert topic.may_publish("visitor")
    assert not topic.may_publish("notifications")
    assert HOLDERS.may_publish("anybody who holds data")
    assert senders(topic) == ("profile", "visitor")
