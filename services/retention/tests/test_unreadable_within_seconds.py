"""A destroyed key is unreadable in every live process within 5 seconds, whether its push arrives, is lost, or is late."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from chassis.clock import monotonic
from chassis.destroyed_keys import follow_destroyed
from chassis.errors import KeyringUnavailable
from chassis.keys import CACHE_TIME, KeyName, SubjectKeys
from chassis.protocol import drop_keys
from chassis.testing.containers import Postgres
from chassis.tokens import Signer
from contracts.personal import Category, SubjectId

from .keyring_steps import destroy
from .rig import Rig, new_subject, running_api

CLIENTS = {"profile": Category.USER_INFORMATION, "notifications": Category.USER_INFORMATION}
PROCESSES = 3
DESTRUCTIONS = 12
BOUND_SECONDS = 5.0


@asynccontextmanager
async def process(rig: Rig, service: str, *, pulls: bool = True) -> AsyncGenerator[SubjectKeys]:
    """The keys of one process, which asks what was destroyed as every process does."""
    async with httpx.AsyncClient(base_url=rig.url) as http:
        signer = Signer(service, rig.identities.pem(service), rig.clock)
        keys = SubjectKeys(http, signer, rig.clock, frozenset({CLIENTS[service]}))
        following = asyncio.create_task(follow_destroyed(keys) if pulls else asyncio.sleep(3600))
        try:
            yield keys
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following


async def readable(keys: SubjectKeys, subject: SubjectId) -> bool:
    name = KeyName(subject, Category.USER_INFORMATION)
    return (await keys.fetch([name])).find(name) is not None


async def test_every_process_forgets_within_five_seconds_also_one_whose_push_is_cut(rig: Rig) -> None:
    people = [new_subject() for _ in range(DESTRUCTIONS)]
    for subject in people:
        await rig.make(subject, [Category.USER_INFORMATION])
    took: list[float] = []
    async with (
        process(rig, "profile") as pushed,
        process(rig, "profile") as cut,
        process(rig, "notifications") as other,
    ):
        processes = {"pushed": pushed, "cut": cut, "other": other}
        await asyncio.sleep(0.5)

        async def gone(keys: SubjectKeys, subject: SubjectId, since: float) -> None:
            while await readable(keys, subject):  # noqa: ASYNC110 - what a reader meets is measured, not an event
                await asyncio.sleep(0.02)
            took.append(monotonic() - since)

        for subject in people:
            assert all([await readable(keys, subject) for keys in processes.values()])
            since = monotonic()
            await destroy(rig, subject, [Category.USER_INFORMATION])
            drop_keys(pushed, f"{subject} {Category.USER_INFORMATION}")
            async with asyncio.timeout(BOUND_SECONDS):
                await asyncio.gather(*(gone(keys, subject, since) for keys in processes.values()))
    assert len(took) == DESTRUCTIONS * PROCESSES
    assert max(took) < BOUND_SECONDS
    assert min(took) < 0.5, "who was pushed knows at once"


async def test_who_can_not_ask_forgets_after_five_minutes_whatever_is_frozen(rig: Rig) -> None:
    subject = new_subject()
    await rig.make(subject, [Category.USER_INFORMATION])
    async with process(rig, "profile", pulls=False) as frozen:
        assert await readable(frozen, subject)
        await destroy(rig, subject, [Category.USER_INFORMATION])
        rig.clock.advance(CACHE_TIME)
        assert await readable(frozen, subject), "the bound is what it is"
        rig.clock.advance(timedelta(microseconds=1))
        assert not await readable(frozen, subject)


async def test_an_answer_that_was_under_way_when_everything_was_forgotten_is_not_remembered(rig: Rig) -> None:
    """It may have left the keyring before the destruction that the place it begins at already covers."""
    subject = new_subject()
    await rig.make(subject, [Category.USER_INFORMATION])
    async with process(rig, "profile", pulls=False) as keys:
        name = KeyName(subject, Category.USER_INFORMATION)
        under_way = asyncio.create_task(keys.fetch([name]))
        await asyncio.sleep(0)
        await keys.pull_destroyed()
        await under_way
        assert keys.cached == 0


async def test_a_service_that_asks_too_often_waits_as_it_is_told_and_the_others_do_not(
    postgres: Postgres, tmp_path: Path
) -> None:
    async with running_api(postgres, tmp_path, key_requests_per_second=10) as rig:
        await too_often(rig)


async def too_often(rig: Rig) -> None:
    body = {"keys": [{"subject_id": str(new_subject()), "category": "log"}]}
    most = rig.settings.key_requests_per_second
    async with httpx.AsyncClient(base_url=rig.url, headers=rig.token("profile")) as http:
        statuses = [(await http.post("/keys/fetch", json=body)).status_code for _ in range(most + 1)]
        refused = await http.post("/keys", json={"subject_id": str(new_subject()), "categories": ["application"]})
    assert statuses == [200] * most + [429]
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    async with process(rig, "profile", pulls=False) as keys:
        for why in ("answered 429", "asked to wait"):
            with pytest.raises(KeyringUnavailable, match=why):
                await keys.fetch([KeyName(new_subject(), Category.USER_INFORMATION)])
        await keys.pull_destroyed()
    assert (await rig.fetch("notifications", (new_subject(), "communication"))).status_code == 200
    rig.clock.advance(timedelta(seconds=1))
    assert (await rig.fetch("profile", (new_subject(), "application"))).status_code == 200


async def test_what_each_service_fetches_is_counted_by_category(rig: Rig) -> None:
    subject = new_subject()
    await rig.make(subject)
    await rig.fetch("notifications", (subject, "communication"), (new_subject(), "communication"))
    exposed = rig.service.metrics.exposition().decode()
    for outcome in ("living", "absent"):
        labels = f'caller="notifications",category="communication",outcome="{outcome}"'
        assert f"tillit_keyring_keys_total{{{labels}}} 1.0" in exposed
