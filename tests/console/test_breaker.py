"""On a running system the second deletion within an hour is one too many here: it begins once two officers agree."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from chassis.clock import monotonic

from tests.promises.own_system import open_to_others, own_system
from tests.promises.system import JobSeeker, System

from .terminal import tillit


@pytest_asyncio.fixture
async def careful(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[System]:
    """A system of its own that lets one erasure begin within an hour."""
    monkeypatch.setenv("TILLIT_ERASURES_AT_LEAST", "1")
    async with own_system(open_to_others(tmp_path_factory.mktemp("careful"))) as system:
        yield system


async def held_back(system: System, count: int) -> None:
    began = monotonic()
    while (await system.operator.breaker()).held_back != count:
        assert monotonic() - began < 60, f"{count} are not held back"
        await asyncio.sleep(0.1)


async def done(system: System, who: JobSeeker) -> bool:
    return any(erasure.done_at is not None for erasure in await system.operator.erasures(who.subject_id))


async def test_a_second_deletion_waits_for_two_officers_and_is_then_done(careful: System) -> None:
    first, second = await careful.job_seeker(), await careful.job_seeker()
    assert (await tillit(careful.info, "breaker", "status")).out == "The breaker holds nothing back.\n"
    await careful.erased(first, "profile")
    await careful.portal.delete_me(second.login, "profile")
    await held_back(careful, 1)
    status = await tillit(careful.info, "breaker", "status")
    assert status.code == 1
    assert "1 erasures. 2 were asked for within an hour, where 1 may begin." in status.out
    assert "The breaker holds 1 erasures back" in (await tillit(careful.info, "status")).out
    one = await tillit(careful.info, "breaker", "release")
    assert one.out == "operator has agreed. 1 erasures wait for another officer.\n"
    again = await tillit(careful.info, "breaker", "release")
    assert (again.code, "another officer must agree" in again.err) == (1, True)
    assert (await tillit(careful.info, "breaker", "release", "--as", "nobody")).code == 2
    assert not await done(careful, second)
    two = await tillit(careful.info, "breaker", "release", "--as", "privacy-officer")
    assert two.out == "Released: 1 erasures begin.\n"
    began = monotonic()
    while not await done(careful, second):
        assert monotonic() - began < 60
        await asyncio.sleep(0.1)
    assert (await tillit(careful.info, "breaker", "status")).code == 0
