"""Property: whatever is asked in whatever order, a destroyed key never opens anything again; a living one stays."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

from chassis.testing.containers import Postgres
from contracts.personal import Category
from contracts.privacy import ERASURE_SCOPE, ErasureRequested
from contracts.profile import DeletionReason
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .rig import HOLDERS, Rig, running_api

READERS = {"user_information": "profile", "communication": "notifications", "website_usage": "audit-log"}

some = st.lists(st.sampled_from(Category), min_size=1, max_size=3, unique=True)
make = st.tuples(st.just("make"), some.map(" ".join))
delete = st.tuples(st.just("delete"), st.sampled_from(DeletionReason))
answer = st.tuples(st.just("answer"), st.sampled_from(HOLDERS), st.booleans())
forge = st.tuples(st.just("forge"), st.sampled_from(HOLDERS))
all_answer = st.tuples(st.just("all answer"))
end = st.tuples(st.just("end"))
steps = st.lists(st.one_of(make, delete, answer, answer, all_answer, forge, end), max_size=12)


@dataclass
class Model:
    """What must be true of one person's keys."""

    rig: Rig
    subject: UUID = field(default_factory=uuid4)
    known: dict[str, bytes] = field(default_factory=dict[str, bytes])
    destroyed: set[str] = field(default_factory=set[str])

    async def do(self, step: tuple[object, ...]) -> None:
        match step:
            case ("make", str() as categories):
                await self.rig.make(self.subject, categories.split())
            case ("delete", DeletionReason() as reason):
                await self.rig.delete(self.subject, reason)
            case ("answer", str() as holder, bool() as newest):
                for request in (await self._requests())[-1:] if newest else (await self._requests())[:1]:
                    await self.rig.answer(request, [holder])
            case ("forge", str() as holder):
                for request in (await self._requests())[-1:]:
                    await self.rig.deliver(self.rig.reply(request, holder, signed_by="forger"))
            case ("all answer",):
                for request in (await self._requests())[-1:]:
                    await self.rig.answer(request)
            case _:
                await self.rig.without_fence(self.subject)

    async def check(self) -> None:
        for erasure in await self.rig.erasures_of(self.subject):
            answered = {part["holder"] for part in self.rig.parts(erasure) if part["replied_at"] is not None}
            assert erasure["stage"] == "asking" or answered == set(HOLDERS)
            if erasure["stage"] == "done":
                self.destroyed |= set(ERASURE_SCOPE[DeletionReason(str(erasure["reason"]))])
        for category, reader in READERS.items():
            key = await self.rig.key(reader, self.subject, category)
            if category in self.destroyed:
                assert key is None
            else:
                assert key == self.known.get(category, key)
                assert key is not None or category not in self.known
                if key is not None:
                    self.known[category] = key

    async def _requests(self) -> list[ErasureRequested]:
        return [request for request in await self.rig.requests() if request.subject_id == self.subject]


def test_destroyed_never_comes_back(postgres: Postgres, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        running = running_api(postgres, tmp_path)
        rig = runner.run(running.__aenter__())

        @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(steps)
        def holds(taken: list[tuple[object, ...]]) -> None:
            async def run() -> None:
                model = Model(rig)
                for step in taken:
                    await model.do(step)
                    await model.check()

            runner.run(run())

        try:
            holds()
        finally:
            runner.run(running.__aexit__(None, None, None))
