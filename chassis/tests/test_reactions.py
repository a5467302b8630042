"""A reaction that may not be is refused when it is declared; the guard lets run what a person's state allows."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from chassis.reactions import BadReaction, Mode, Received, Verdict, check_purpose, judge
from chassis.records import Incoming
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.subjects import ACTIVE, SubjectState
from chassis.transaction import Transaction
from contracts.communication import MessageSent
from contracts.event import Event
from contracts.personal import Category
from contracts.position import PositionPublished
from contracts.privacy import DeletionRequested, ErasureRequested, SubjectErased
from contracts.profile import JobInterestSaved, ProfileDeleted
from contracts.purposes import PurposeId
from contracts.topics import PROFILE, TOPICS

from .town import CATEGORIES, HOLDER, MIGRATIONS, NAME

RESTRICTED = SubjectState(restrictions=frozenset({"asked"}))
WITHOUT_PROFILE = SubjectState(erased=frozenset({Category.USER_INFORMATION}))
WITHOUT_MAIL = SubjectState(erased=frozenset({Category.COMMUNICATION}))


def undecided(name: str = NAME) -> Service:
    settings = ServiceSettings.model_validate(
        {
            "database_url": "postgresql://nobody@127.0.0.1:9/none",
            "kafka_bootstrap": "127.0.0.1:9",
            "http_port": 1,
            "keyring_url": "http://127.0.0.1:9",
            "service_key_file": Path("none.pem"),
            "service_jwks_file": Path("none.json"),
            "login_jwks_file": Path("none.json"),
        }
    )
    return Service(name, settings, holder=HOLDER, key_categories=CATEGORIES, migrations=MIGRATIONS)


async def nothing(event: Event, tx: Transaction) -> None: ...


async def nothing_of_many(events: Sequence[Received[Event]], tx: Transaction) -> None: ...


async def nothing_of_all(events: Sequence[Incoming], tx: Transaction) -> None: ...


JUDGED = [
    (Mode.STORE, JobInterestSaved, ACTIVE, Verdict.RUN),
    (Mode.USE, JobInterestSaved, ACTIVE, Verdict.RUN),
    (Mode.STORE, JobInterestSaved, RESTRICTED, Verdict.RUN),
    (Mode.USE, JobInterestSaved, RESTRICTED, Verdict.RESTRICTED),
    (Mode.STORE, JobInterestSaved, WITHOUT_PROFILE, Verdict.ERASED),
    (Mode.USE, JobInterestSaved, WITHOUT_PROFILE, Verdict.ERASED),
    (Mode.STORE, JobInterestSaved, WITHOUT_MAIL, Verdict.RUN),
    (Mode.STORE, MessageSent, WITHOUT_MAIL, Verdict.ERASED),
    (Mode.STORE, MessageSent, WITHOUT_PROFILE, Verdict.RUN),
    (Mode.USE, MessageSent, WITHOUT_PROFILE, Verdict.RESTRICTED),
    (Mode.STORE, ProfileDeleted, WITHOUT_PROFILE, Verdict.ERASED),
    (Mode.PROTOCOL, ErasureRequested, WITHOUT_PROFILE, Verdict.RUN),
    (Mode.PROTOCOL, SubjectErased, RESTRICTED, Verdict.RUN),
]


@pytest.mark.parametrize(("mode", "event", "state", "verdict"), JUDGED)
def test_the_guard_lets_run_what_a_persons_state_allows(
    mode: Mode, event: type[Event], state: SubjectState, verdict: Verdict
) -> None:
    assert judge(mode, event, [state]) is verdict
    assert judge(mode, event, [ACTIVE, state]) is verdict


def test_an_event_about_nobody_always_runs() -> None:
    assert judge(Mode.USE, PositionPublished, []) is Verdict.RUN


def test_a_purpose_that_is_not_registered_for_the_service_is_refused() -> None:
    with pytest.raises(BadReaction, match="notifications does not process for P1"):
        check_purpose(NAME, PurposeId.P1, JobInterestSaved)
    with pytest.raises(BadReaction, match="does not process for P1"):
        undecided().store(JobInterestSaved, nothing, purpose=PurposeId.P1)


def test_a_purpose_that_does_not_cover_the_category_is_refused() -> None:
    with pytest.raises(BadReaction, match="P2 does not cover communication"):
        check_purpose("profile", PurposeId.P2, MessageSent)


def test_a_second_reaction_to_one_event_is_refused() -> None:
    service = undecided()
    service.store(JobInterestSaved, nothing, purpose=PurposeId.P4)
    with pytest.raises(BadReaction, match="two reactions"):
        service.use_batch(JobInterestSaved, nothing_of_many, purpose=PurposeId.P4)
    service.every_record(nothing_of_all)
    with pytest.raises(BadReaction, match="declared twice"):
        service.every_record(nothing_of_all)


def test_only_the_privacy_protocol_may_pass_the_guard() -> None:
    with pytest.raises(BadReaction, match="not part of the privacy protocol"):
        undecided().protocol(JobInterestSaved, nothing)


def test_a_service_speaks_the_privacy_protocol_unasked_and_may_say_more() -> None:
    service = undecided()
    assert {DeletionRequested, SubjectErased} <= set(service.reactions)
    service.protocol(DeletionRequested, nothing)
    assert service.reactions[DeletionRequested].name == "nothing"
    with pytest.raises(BadReaction, match="two reactions"):
        service.protocol(DeletionRequested, nothing)
    with pytest.raises(BadReaction, match="declare protocol"):
        undecided().store(DeletionRequested, nothing, purpose=PurposeId.P4)
    assert DeletionRequested not in undecided("profile").reactions


def test_a_service_consumes_the_topics_of_its_reactions_or_all() -> None:
    service = undecided()
    assert PROFILE in service.topics()
    assert len(service.topics()) < len(TOPICS)
    service.every_record(nothing_of_all)
    assert set(service.topics()) == set(TOPICS.values())
    assert len({group.group for group in service.groups()}) == len(TOPICS)
