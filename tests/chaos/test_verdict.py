"""The ledger sees what it is there to see: each kind of violation, planted, is found and named."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.chaos.facts import REPLY_BASE
from tests.chaos.ledger import Ledger
from tests.chaos.verdict import HOLDERS, Answered, Arrival, Evidence, Fact, Left, Numbered, judge

PERSON = UUID(int=1)
OTHER = UUID(int=2)
STRANGER = UUID(int=3)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    yield ledger
    ledger.close()


def _good(ledger: Ledger) -> Evidence:
    """Thirteen commands about two people, all acknowledged, and everything that should follow."""
    facts: list[Fact] = []
    for person, count in ((PERSON, 8), (OTHER, 5)):
        for sequence in range(1, count + 1):
            fact = Fact(uuid4(), person, sequence, float(sequence))
            ledger.tried(fact.attempt, person, fact.at)
            ledger.acknowledged(fact.attempt, sequence, fact.at)
            facts.append(fact)
    thirds = [Numbered(fact.subject, fact.sequence) for fact in facts if fact.sequence % 3 == 0]
    fourths = [Numbered(fact.subject, fact.sequence) for fact in facts if fact.sequence % 4 == 0]
    arrivals = [Arrival(fact.subject, fact.sequence, uuid4(), True, 1, fact.at) for fact in facts]
    replies = [Numbered(fact.subject, REPLY_BASE + fact.sequence) for fact in facts if fact.sequence % 2 == 0]
    return Evidence(facts, arrivals, thirds, fourths, [*fourths, *replies])


def _kinds(ledger: Ledger, evidence: Evidence) -> set[str]:
    return {violation.kind for violation in judge(ledger, evidence)}


def _without(items: Sequence[Arrival], index: int) -> list[Arrival]:
    return [item for at, item in enumerate(items) if at != index]


def test_a_round_without_violations_has_none(ledger: Ledger) -> None:
    assert judge(ledger, _good(ledger)) == []


def test_what_was_tried_and_never_acknowledged_may_be_there_or_not(ledger: Ledger) -> None:
    evidence = _good(ledger)
    ledger.tried(uuid4(), PERSON, 9.0)
    assert judge(ledger, evidence) == []


def test_an_acknowledged_command_that_the_source_lost_is_found(ledger: Ledger) -> None:
    evidence = _good(ledger)
    ledger.tried(attempt := uuid4(), PERSON, 9.0)
    ledger.acknowledged(attempt, 9, 9.0)
    assert _kinds(ledger, evidence) == {"lost"}


def test_an_event_that_never_reached_the_sink_is_found_even_when_its_command_was_not_acknowledged(
    ledger: Ledger,
) -> None:
    evidence = _good(ledger)
    ledger.tried(attempt := uuid4(), PERSON, 9.0)
    assert _kinds(ledger, replace(evidence, facts=[*evidence.facts, Fact(attempt, PERSON, 10, 9.0)])) == {"lost"}


def test_an_arrival_that_is_missing_is_lost(ledger: Ledger) -> None:
    evidence = _good(ledger)
    assert _kinds(ledger, replace(evidence, arrivals=_without(evidence.arrivals, 1))) == {"lost"}


def test_the_same_fact_twice_is_doubled_with_another_event_id_too(ledger: Ledger) -> None:
    evidence = _good(ledger)
    again = evidence.arrivals[7]
    assert _kinds(ledger, replace(evidence, arrivals=[*evidence.arrivals, again])) == {"doubled"}
    again = again._replace(event_id=uuid4())
    assert _kinds(ledger, replace(evidence, arrivals=[*evidence.arrivals, again])) == {"doubled"}


def test_facts_of_one_person_out_of_order_are_reordered_and_those_of_two_are_not(ledger: Ledger) -> None:
    evidence = _good(ledger)
    first, second, *rest = evidence.arrivals
    assert _kinds(ledger, replace(evidence, arrivals=[second, first, *rest])) == {"reordered"}
    of_one, of_other = evidence.arrivals[:8], evidence.arrivals[8:]
    assert judge(ledger, replace(evidence, arrivals=[*of_other, *of_one])) == []


def test_a_retry_that_made_two_rows_is_a_doubled_command(ledger: Ledger) -> None:
    evidence = _good(ledger)
    twice = evidence.facts[0]._replace(sequence=9)
    arrival = Arrival(PERSON, 9, uuid4(), True, 1, 9.0)
    errands = [*evidence.errands, Numbered(PERSON, 9)]
    found = replace(evidence, facts=[*evidence.facts, twice], arrivals=[*evidence.arrivals, arrival], errands=errands)
    assert _kinds(ledger, found) == {"doubled command"}


def test_two_different_answers_to_one_key_are_a_doubled_command(ledger: Ledger) -> None:
    evidence = _good(ledger)
    ledger.acknowledged(evidence.facts[0].attempt, 2, 9.0)
    assert "doubled command" in _kinds(ledger, evidence)


def test_what_nobody_sent_is_invented(ledger: Ledger) -> None:
    evidence = _good(ledger)
    stranger = Arrival(PERSON, 99, uuid4(), True, 1, 9.0)
    assert _kinds(ledger, replace(evidence, arrivals=[*evidence.arrivals, stranger])) == {"invented"}


def test_a_sealed_field_that_does_not_come_through_is_unreadable(ledger: Ledger) -> None:
    evidence = _good(ledger)
    arrivals = [evidence.arrivals[0]._replace(readable=False), *evidence.arrivals[1:]]
    assert _kinds(ledger, replace(evidence, arrivals=arrivals)) == {"unreadable"}


def test_work_that_was_not_done_or_done_twice_is_found(ledger: Ledger) -> None:
    evidence = _good(ledger)
    assert _kinds(ledger, replace(evidence, errands=evidence.errands[1:])) == {"lost"}
    assert _kinds(ledger, replace(evidence, steps=[*evidence.steps, evidence.steps[0]])) == {"doubled"}
    assert _kinds(ledger, replace(evidence, echoes=[*evidence.echoes, Numbered(PERSON, 5)])) == {"invented"}


def test_an_answer_that_no_fault_excuses_is_a_violation(ledger: Ledger) -> None:
    evidence = _good(ledger)
    ledger.refused(evidence.facts[0].attempt, 500, 3.0)
    assert _kinds(ledger, evidence) == {"bad answer"}


def test_a_reply_that_is_missing_or_came_twice_or_too_early_is_found(ledger: Ledger) -> None:
    evidence = _good(ledger)
    *rest, last = evidence.echoes
    assert _kinds(ledger, replace(evidence, echoes=rest)) == {"lost"}
    assert _kinds(ledger, replace(evidence, echoes=[*evidence.echoes, last])) == {"doubled"}
    assert _kinds(ledger, replace(evidence, echoes=[last, *rest])) == {"reordered"}


def test_an_erased_person_is_missed_by_nobody_and_every_holder_answers_once(ledger: Ledger) -> None:
    evidence = _good(ledger)
    ledger.tried(attempt := uuid4(), STRANGER, 9.0)
    ledger.acknowledged(attempt, 1, 9.0)
    ledger.erasing(STRANGER, 10.0)
    answered = [Answered(holder, STRANGER, uuid4()) for holder in HOLDERS]
    assert judge(ledger, replace(evidence, answered=[*answered, answered[0]])) == []
    assert _kinds(ledger, replace(evidence, answered=answered[1:])) == {"lost"}
    again = answered[0]._replace(event_id=uuid4())
    assert _kinds(ledger, replace(evidence, answered=[*answered, again])) == {"doubled"}


def test_what_is_left_of_an_erased_person_is_resurrected(ledger: Ledger) -> None:
    evidence = _good(ledger)
    left = [Left("notifications", "arrivals", PERSON, 1)]
    assert _kinds(ledger, replace(evidence, left=left)) == {"resurrected"}


def test_being_told_that_somebody_is_erased_who_is_not_is_a_bad_answer(ledger: Ledger) -> None:
    evidence = _good(ledger)
    ledger.tried(attempt := uuid4(), PERSON, 9.0)
    ledger.told_gone(attempt, 9.0)
    assert _kinds(ledger, evidence) == {"bad answer"}
