"""Who follows an event by file names alone finds what it is, who says it, who acts on it, and the proof of each."""

import re

import pytest
from contracts.event import Event, wire_name
from contracts.purposes import PURPOSES
from contracts.registry import EVENTS

from .built import built
from .house import PACKAGES, ROOT, SERVICES, Module, product_modules
from .stories import foreign_makers, makers, module_of, published_by, reaction_file, snake

CASES = [pytest.param(event, id=event.__name__) for event in EVENTS]
AWAITED = {
    "RecipientRegistered": "order 4: profile registers employers as recipients; until then services of the tests do",
    "PersonalDataDisclosed": "order 4: profile discloses applications, and may read rights_case keys; until then tests do",
    "ProcessingRestricted": "order 6: rights cases restrict, in every service; until then services of the tests do",
    "InactivitySuspected": "order 6: retention's clock of inactivity; until then services of the tests suspect",
}
"""Events that are agreed on and not said yet, with what brings their publisher: one that is said leaves this list."""
_SECTION = re.compile(r"^## Events$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("event", CASES)
def test_an_event_has_a_derived_name_and_a_committed_schema(event: type[Event]) -> None:
    assert event.type == wire_name(event.__name__)
    schema = ROOT / f"contracts/schemas/{event.type}.json"
    assert schema.is_file(), f"{schema.name} is missing: run `uv run python -m contracts.generate`"


@pytest.mark.parametrize("event", CASES)
def test_an_event_is_published_by_its_topics_owner_only(event: type[Event]) -> None:
    said = bool(makers(event, product_modules()))
    assert said is not (event.__name__ in AWAITED), (
        f"{event.__name__}: an event that nobody publishes is dead, unless AWAITED says what brings its publisher"
    )
    foreign = [module.name for module in foreign_makers(event, product_modules())]
    assert not foreign, f"{event.topic.name} belongs to {event.topic.owner}; {foreign} may not publish on it"


def test_an_event_made_by_another_than_its_owner_is_found() -> None:
    intruder = Module("profile_service.intruder", "tx.publish(SubjectErased(subject_id=s, categories=c))\n")
    erased = next(event for event in EVENTS if event.__name__ == "SubjectErased")
    assert foreign_makers(erased, [intruder]) == [intruder]


@pytest.mark.parametrize("name", SERVICES)
def test_every_reaction_is_a_file_named_after_its_event_with_its_test(name: str) -> None:
    package = SERVICES[name]
    for reaction in built(name).reactions.values():
        if module_of(reaction) == "chassis.protocol":
            continue
        expected = reaction_file(reaction)
        assert module_of(reaction) == f"{package}.{expected}", (
            f"{name} reacts to {reaction.event.__name__} in {module_of(reaction)}: "
            f"move it to {expected}.py, so that file names tell who acts"
        )
        proof = PACKAGES[package].parents[1] / f"tests/test_{expected}.py"
        assert proof.is_file(), f"{name} reacts to {reaction.event.__name__} without a proof: write {proof.name}"


@pytest.mark.parametrize("name", SERVICES)
def test_every_reaction_file_is_wired(name: str) -> None:
    package = SERVICES[name]
    wired = {module_of(reaction).rpartition(".")[2] for reaction in built(name).reactions.values()}
    if name == "audit-log":
        wired.add("on_every_event")
    files = {path.stem for path in PACKAGES[package].glob("on_*.py")}
    assert files <= wired, f"{sorted(files - wired)} of {name} never run: wire them in app.py, or delete them"


@pytest.mark.parametrize("name", SERVICES)
def test_a_services_readme_names_exactly_the_events_it_takes_and_says(name: str) -> None:
    package = SERVICES[name]
    service = built(name)
    events = {module_of(reaction): reaction.event for reaction in service.reactions.values()}
    builtin = {r.event.__name__ for r in service.reactions.values() if module_of(r) == "chassis.protocol"}
    own = {event for module, event in events.items() if module != "chassis.protocol"}
    by_chassis = published_by("chassis", product_modules())
    expected = {event.__name__ for event in own | by_chassis | published_by(package, product_modules())}
    readme = (PACKAGES[package].parents[1] / "README.md").read_text(encoding="utf-8")
    section = _SECTION.search(readme)
    assert section, f"services/{name}/README.md has no section `## Events`"
    told = set(re.findall(r"`([A-Z]\w+)`", section[1])) & {event.__name__ for event in EVENTS}
    missing, foreign = sorted(expected - told), sorted(told - expected - builtin - AWAITED.keys())
    assert not missing, f"services/{name}/README.md does not tell of {missing}"
    assert not foreign, f"services/{name}/README.md tells of {foreign}, which it neither takes nor says"


@pytest.mark.parametrize("event", CASES)
def test_an_event_about_a_person_has_a_purpose_that_its_owner_is_registered_for(event: type[Event]) -> None:
    if event.category is None or event.topic.owner not in SERVICES:
        return
    purposes = [p.id for p in PURPOSES.values() if event.category in p.categories and event.topic.owner in p.services]
    assert purposes, f"{event.topic.owner} says {event.__name__} ({event.category}) for no registered purpose"


@pytest.mark.parametrize("name", SERVICES)
def test_every_reaction_and_work_names_a_purpose_registered_for_the_service(name: str) -> None:
    service = built(name)
    named = {reaction.purpose for reaction in service.reactions.values()} | {w.purpose for w in service.work_kinds}
    unregistered = [purpose for purpose in named if name not in PURPOSES[purpose].services]
    assert not unregistered, f"{name} processes for {unregistered}: register it in contracts.purposes, if it is lawful"


def test_snake_names_follow_class_names() -> None:
    assert {snake(event) for event in EVENTS if event.__name__ == "JobInterestSaved"} == {"job_interest_saved"}
