"""The load: clients that send commands about many people, and ask again with the same key whenever nobody answers."""

import asyncio
import random
from typing import Final
from uuid import UUID

import httpx
from pydantic import BaseModel

from tests.chaos.ledger import Ledger
from tests.chaos.plan import PEOPLE
from tests.chaos.system import System
from tests.chaos.timeline import Timeline

CLIENTS: Final = 16
_THINK_SECONDS: Final = 0.01
"""Next to nothing: a fault finds something only where something is under way."""
_PATIENCE_SECONDS: Final = (0.5, 6.0)
"""Who does not wait for the answer asks again while the first request may still be under way."""
_AGAIN_SECONDS: Final = (0.05, 0.6)
_GIVES_UP: Final = 0.03
"""How often a client that got no answer leaves it at that: the command was tried, and nobody knows what became of it."""
_MOVES_ON: Final = 0.02
"""How often a client goes to any of the source's processes though it was answered; it always does when it was not."""
_AGAIN: Final = frozenset({409, 429, 503, 504})
"""Statuses that ask to come again. Any other than success is a violation: faults are no excuse for a 500."""
_GONE: Final = 410
"""The answer for a person who is erased, and for nobody else."""


class _Accepted(BaseModel):
    sequence: int


class Load:
    """Commands until told to stop; then every client brings its last one to an end."""

    def __init__(self, system: System, ledger: Ledger, timeline: Timeline, seed: int) -> None:
        self._system = system
        self._ledger = ledger
        self._timeline = timeline
        self._chance = random.Random(seed)
        self.people = [self._id() for _ in range(PEOPLE)]
        self._stopping = False

    async def register_people(self) -> None:
        """Have every person's keys made, as registration does."""
        gate = asyncio.Semaphore(CLIENTS)

        async def register(person: UUID) -> None:
            async with gate:
                answer = await self._system.http.put(f"{self._system.sources[0].url}/people/{person}", timeout=30)
                answer.raise_for_status()

        await asyncio.gather(*(register(person) for person in self.people))

    def stop(self) -> None:
        """No new commands from now on."""
        self._stopping = True

    async def run(self) -> None:
        await asyncio.gather(*(self._client() for _ in range(CLIENTS)))

    async def _client(self) -> None:
        url = self._any_source()
        while not self._stopping:
            person, attempt = self._chance.choice(self.people), self._id()
            self._ledger.tried(attempt, person, self._timeline.now())
            while not await self._sent(attempt, person, url):
                url = self._any_source()
                if self._chance.random() < _GIVES_UP:
                    break
                self._ledger.retries += 1
                await asyncio.sleep(self._chance.uniform(*_AGAIN_SECONDS))
            if self._chance.random() < _MOVES_ON:
                url = self._any_source()
            await asyncio.sleep(self._chance.uniform(0, _THINK_SECONDS))

    async def _sent(self, attempt: UUID, person: UUID, url: str) -> bool:
        """Whether it was answered for good."""
        try:
            answer = await self._system.http.post(
                f"{url}/people/{person}/facts",
                json={"attempt": str(attempt)},
                headers={"Idempotency-Key": f'"{attempt}"'},
                timeout=httpx.Timeout(self._chance.uniform(*_PATIENCE_SECONDS), connect=2),
            )
        except httpx.HTTPError:
            return False
        if answer.status_code in _AGAIN:
            return False
        if answer.status_code == _GONE:
            self._ledger.told_gone(attempt, self._timeline.now())
            return True
        if not answer.is_success:
            self._ledger.refused(attempt, answer.status_code, self._timeline.now())
            return answer.is_client_error
        sequence = _Accepted.model_validate_json(answer.content).sequence
        self._ledger.acknowledged(attempt, sequence, self._timeline.now())
        return True

    def _any_source(self) -> str:
        return self._chance.choice(self._system.sources).url

    def _id(self) -> UUID:
        return UUID(int=self._chance.getrandbits(128), version=4)
