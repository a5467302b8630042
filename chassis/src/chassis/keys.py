"""The keys of people, as one service sees them: fetched in bulk from the keyring, cached briefly, dropped when destroyed.

A key is named by person and category. Without the keyring nothing is read or written in the clear: callers get
KeyringUnavailable and wait. A destroyed key reads as absent for good, even when an older answer arrives later.
"""

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, NamedTuple
from uuid import UUID

import httpx
from contracts.personal import Category, SubjectId
from contracts.topics import ERASURE
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.clock import Clock, monotonic
from chassis.errors import KeyringUnavailable, SubjectGone
from chassis.keyring_answers import KeysDestroyed, KeysFound
from chassis.metrics import Metrics
from chassis.network import refuse_in_transaction
from chassis.scoped_keys import LOG_CATEGORY, Scope, is_single, scope_of
from chassis.tokens import Signer

KEYRING: Final = ERASURE.owner
"""The service that has everybody's keys, and orders erasures."""
CACHE_TIME: Final = timedelta(minutes=5)
"""How long a key is believed without asking again: the bound on how long a missed destruction can go unnoticed."""
CACHE_SIZE: Final = 20_000
FETCH_SIZE: Final = 1_000
"""Keys per request to the keyring."""
PULL_SECONDS: Final = 2.0
"""How often each process asks which keys were destroyed: the bound on how long a lost push matters."""
_LONGEST_WAIT_SECONDS: Final = 60.0
_PROBE_SECONDS: Final = 2.0
_JUST_NOW_SECONDS: Final = 2.0

NO_SUBJECT: Final = SubjectId(UUID(int=0))


class KeyName(NamedTuple):
    """Whose key, for which category or single thing (`chassis.scoped_keys`). `LOG_KEY` is the log's own."""

    subject_id: SubjectId
    category: str


LOG_KEY: Final = KeyName(NO_SUBJECT, LOG_CATEGORY)
"""Seals the salts of events that concern no one, several people, or the privacy protocol (they outlive the keys)."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys at hand during one transaction. Absent, of those that were asked for, means destroyed or never made."""

    keys: Mapping[KeyName, AESGCM]
    asked: frozenset[KeyName] = frozenset()

    def find(self, name: KeyName) -> AESGCM | None:
        return self.keys.get(name)

    def need(self, name: KeyName) -> AESGCM:
        """The key, to seal with.

        Raises:
            SubjectGone: there is no such key (any more).
            KeyringUnavailable: it is the log's key, which always exists, and it is not at hand.
        """
        key = self.keys.get(name)
        if key is None and name == LOG_KEY:
            raise KeyringUnavailable("the log's key was not fetched yet")
        if key is None:
            raise SubjectGone(f"no key for category {name.category}: it is destroyed, or was never made")
        return key


class SubjectKeys:
    """Fetches keys for the categories this service is allowed, and remembers them for `CACHE_TIME`."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        signer: Signer,
        clock: Clock,
        categories: frozenset[Category],
        metrics: Metrics | None = None,
    ) -> None:
        self._http = http
        self._signer = signer
        self._clock = clock
        self.categories = categories
        self._metrics = metrics or Metrics()
        self.answered_at: datetime | None = None
        """When the keyring last answered this process with keys."""
        self._asked_well: float | None = None
        """The same moment as a duration sees it; None when the last request failed."""
        self._wait_until = 0.0
        """The keyring said that this service asks too often."""
        self._after: str | None = None
        """Up to which place of the keyring's ledger its destroyed keys are dropped here."""
        self._forgotten = 0
        """How often everything was forgotten: an answer that was under way when it was is not remembered."""
        self._cache: OrderedDict[KeyName, tuple[AESGCM, datetime]] = OrderedDict()
        self._destroyed: OrderedDict[KeyName, None] = OrderedDict()
        """Names that were dropped: an answer that was under way when they were must not bring them back."""
        self._metrics.cache_entries.labels("destroyed keys").set_function(lambda: len(self._destroyed))

    @property
    def cached(self) -> int:
        """How many keys are in memory, at most `CACHE_SIZE`."""
        return len(self._cache)

    async def reachable(self) -> bool:
        """Whether the keyring answers this service now; it is asked, for the log's key, unless it has just answered."""
        if self._asked_well is not None and monotonic() - self._asked_well < _JUST_NOW_SECONDS:
            return True
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await self._fetch([LOG_KEY], {})
        except (KeyringUnavailable, TimeoutError):
            return False
        return True

    def names_for(self, subjects: Iterable[SubjectId]) -> list[KeyName]:
        """Every key this service may need for these people, and the log's."""
        return [LOG_KEY, *(KeyName(subject, category) for subject in subjects for category in self.categories)]

    async def pull_destroyed(self) -> None:
        """Drop what the keyring destroyed since it was last asked, whoever failed to tell it.

        Raises:
            KeyringUnavailable: the keyring can't be asked now; what is cached is believed for `CACHE_TIME` at most.
        """
        more = True
        while more:
            query = {} if self._after is None else {"after": self._after}
            content = await self._send("GET", "/keys/destroyed", query=query)
            answer = KeysDestroyed.model_validate_json(content)
            if answer.reset:
                self._forget_all()
            for key in answer.keys:
                self.drop(SubjectId(key.subject_id), [key.category])
            self._after, more = answer.after, answer.more

    def _forget_all(self) -> None:
        kept = self._cache.get(LOG_KEY)
        self._cache.clear()
        if kept is not None:
            self._cache[LOG_KEY] = kept
        self._forgotten += 1
        self._metrics.keys_cached.set(len(self._cache))

    async def make(self, subject_id: SubjectId, categories: Iterable[str]) -> None:
        """Make the keys of a new person, or of a single thing. Idempotent; a destroyed key is not made again.

        Raises:
            KeyringUnavailable: the keyring can't be asked now.
            SubjectGone: one of the keys was destroyed.
        """
        forgotten = self._forgotten
        answer = await self._ask("/keys", {"subject_id": str(subject_id), "categories": sorted(categories)})
        self._remember(answer, forgotten)
        if any(state.key is None for state in answer.keys):
            raise SubjectGone("a key of this person was destroyed")

    async def fetch(self, names: Iterable[KeyName]) -> KeySet:
        """The keys that exist, from the cache or in bulk from the keyring.

        The log's key is no reason to wait: who needs it finds out when it seals with it.

        Raises:
            KeyringUnavailable: some are not cached and the keyring can't be asked now.
        """
        now = self._clock.now()
        oldest = now - CACHE_TIME
        found: dict[KeyName, AESGCM] = {}
        missing: list[KeyName] = []
        asked = dict.fromkeys(names)
        for name in asked:
            cached = self._cache.get(name)
            if cached is not None and (oldest <= cached[1] <= now or name == LOG_KEY):
                found[name] = cached[0]
            elif not self._is_destroyed(name):
                missing.append(name)
        if missing == [LOG_KEY]:
            with suppress(KeyringUnavailable):
                await self._fetch(missing, found)
        else:
            await self._fetch(missing, found)
        return KeySet(found, frozenset(asked))

    async def _fetch(self, missing: Sequence[KeyName], found: dict[KeyName, AESGCM]) -> None:
        for start in range(0, len(missing), FETCH_SIZE):
            part = missing[start : start + FETCH_SIZE]
            wanted = [{"subject_id": str(name.subject_id), "category": name.category} for name in part]
            forgotten = self._forgotten
            found.update(self._remember(await self._ask("/keys/fetch", {"keys": wanted}), forgotten))

    def drop(self, subject_id: SubjectId, categories: Iterable[str]) -> None:
        """Forget destroyed keys at once, and never take them from an older answer.

        With the category `application` go the keys of all applications of this person.
        """
        for category in categories:
            name = KeyName(subject_id, category)
            self._cache.pop(name, None)
            self._destroyed[name] = None
            if category == Scope.APPLICATION:
                singles = [
                    other for other in self._cache if other.subject_id == subject_id and is_single(other.category)
                ]
                for other in singles:
                    if scope_of(other.category) == category:
                        del self._cache[other]
        self._metrics.keys_cached.set(len(self._cache))
        while len(self._destroyed) > CACHE_SIZE:
            self._destroyed.popitem(last=False)

    def _is_destroyed(self, name: KeyName) -> bool:
        """Whether it was dropped, by its own name or with all of its category."""
        if name in self._destroyed:
            return True
        return is_single(name.category) and KeyName(name.subject_id, scope_of(name.category)) in self._destroyed

    def _remember(self, answer: KeysFound, forgotten: int) -> dict[KeyName, AESGCM]:
        now = self._clock.now()
        found: dict[KeyName, AESGCM] = {}
        for state in answer.keys:
            name = KeyName(SubjectId(state.subject_id), state.category)
            if state.key is not None and not self._is_destroyed(name):
                found[name] = AESGCM(base64.b64decode(state.key))
                if forgotten == self._forgotten:
                    self._cache[name] = (found[name], now)
                    self._cache.move_to_end(name)
        while len(self._cache) > CACHE_SIZE:
            self._cache.popitem(last=False)
        self._metrics.keys_cached.set(len(self._cache))
        return found

    async def _ask(self, path: str, body: Mapping[str, object]) -> KeysFound:
        if monotonic() < self._wait_until:
            raise KeyringUnavailable("the keyring asked to wait")
        self._asked_well = None
        found = KeysFound.model_validate_json(await self._send("POST", path, body=body))
        self.answered_at, self._asked_well = self._clock.now(), monotonic()
        return found

    async def _send(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> bytes:
        refuse_in_transaction("asking the keyring")
        headers = {"Authorization": f"Bearer {self._signer.internal(KEYRING)}"}
        began, outcome = monotonic(), "no answer"
        try:
            response = await self._http.request(method, path, json=body, params=query, headers=headers)
            outcome = "refused"
        except (httpx.HTTPError, AttributeError) as error:
            # anyio's answer to a connection that was reset while it was made, on uvloop: it asks a socket that is gone
            raise KeyringUnavailable(f"the keyring did not answer ({type(error).__name__})") from None
        else:
            if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                self._wait_until = monotonic() + _asked_wait(response)
            if response.status_code not in (HTTPStatus.OK, HTTPStatus.CREATED):
                raise KeyringUnavailable(f"the keyring answered {response.status_code}")
            outcome = "answered"
            return response.content
        finally:
            self._metrics.keyring_requests.labels(outcome).inc()
            self._metrics.keyring_seconds.observe(monotonic() - began)


def _asked_wait(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return min(float(text), _LONGEST_WAIT_SECONDS) if text.isdecimal() else 1.0
