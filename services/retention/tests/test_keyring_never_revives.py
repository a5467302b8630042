"""Property: make, fetch, destroy, rotate, back up and restore, in whatever order: no destroyed key opens anything again,
and a living one stays what it was, or is kept closed."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from chassis.testing.containers import Postgres
from contracts.personal import SubjectId
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from retention_service.keyring import Keyring

from .keyring_steps import KeptDatabase, destroy, keep_database, put_back, rotate
from .rig import Rig, new_subject, running_api

CATEGORIES = ("user_information", "application")
T = TypeVar("T")
people = st.integers(0, 2)
category = st.sampled_from(CATEGORIES)


@dataclass
class Known:
    """What must be true of one run's people."""

    subjects: list[SubjectId] = field(default_factory=lambda: [new_subject() for _ in range(3)])
    keys: dict[tuple[SubjectId, str], bytes] = field(default_factory=dict[tuple[SubjectId, str], bytes])
    destroyed: set[tuple[SubjectId, str]] = field(default_factory=set[tuple[SubjectId, str]])


def test_nothing_that_was_destroyed_is_ever_revived(postgres: Postgres, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        running = running_api(postgres, tmp_path, key_requests_per_second=1_000_000)
        rig: Rig = runner.run(running.__aenter__())

        def now(work: Coroutine[None, None, T]) -> T:
            return runner.run(work)

        class Keyrings(RuleBasedStateMachine):
            def __init__(self) -> None:
                super().__init__()
                self.known = Known()
                self.kept: list[KeptDatabase] = []

            @initialize(who=people)
            def begin(self, who: int) -> None:
                self.make(who)

            @rule(who=people)
            def make(self, who: int) -> None:
                now(rig.make(self.known.subjects[who], CATEGORIES))

            @rule(who=people, what=category)
            def destroy(self, who: int, what: str) -> None:
                subject = self.known.subjects[who]
                now(destroy(rig, subject, [what]))
                self.known.destroyed.add((subject, what))

            @rule()
            def rotate(self) -> None:
                rig.clock.advance(rig.lease)
                assert now(rotate(rig))["stage"] == "done"

            @rule()
            def keep(self) -> None:
                self.kept.append(now(keep_database(rig)))

            @rule(data=st.data())
            def restore(self, data: st.DataObject) -> None:
                if not self.kept:
                    return
                current = now(keep_database(rig))
                now(put_back(rig, data.draw(st.sampled_from(self.kept))))
                self.nothing_destroyed_opens()
                now(put_back(rig, current))

            @rule()
            def another_process(self) -> None:
                assert now(Keyring.told_by(rig.settings).ready(rig.service.database))

            def nothing_destroyed_opens(self) -> None:
                for subject, what in self.known.destroyed:
                    answer = now(rig.fetch("profile", (subject, what)))
                    assert answer.status_code == 503 or answer.json()["keys"][0]["key"] is None
                    made = now(rig.make(subject, [what]))
                    assert made.status_code == 503 or made.json()["keys"][0]["key"] is None

            @invariant()
            def the_destroyed_are_gone_and_the_living_are_what_they_were(self) -> None:
                for subject in self.known.subjects:
                    for what in CATEGORIES:
                        key = now(rig.key("profile", subject, what))
                        if (subject, what) in self.known.destroyed:
                            assert key is None
                        elif key is not None:
                            assert self.known.keys.setdefault((subject, what), key) == key
                        else:
                            assert (subject, what) not in self.known.keys

        try:
            run_state_machine_as_test(
                Keyrings,
                settings=settings(
                    max_examples=6,
                    stateful_step_count=10,
                    deadline=None,
                    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
                ),
            )
        finally:
            runner.run(running.__aexit__(None, None, None))
