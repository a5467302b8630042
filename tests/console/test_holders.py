"""On a running system a holder that never answers stops erasures, until two officers retire it."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from chassis.clock import SystemClock, monotonic
from chassis.holder_replies import sign_reply
from contracts.privacy import HolderRegistered
from local_stack.keys import private_key

from tests.promises.own_system import open_to_others, own_system
from tests.promises.recipients import outbox_of
from tests.promises.system import System

from .terminal import tillit

GONE = "privacy-officer"
"""A name whose key the system trusts, and behind which no service runs."""


@pytest_asyncio.fixture
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[System]:
    """A system of its own: everybody else's erasures would wait for the holder too."""
    async with own_system(open_to_others(tmp_path_factory.mktemp("own"))) as system:
        yield system


async def registered(system: System) -> None:
    said = HolderRegistered(holder=GONE, groups=(), tables=(), registered_at=SystemClock().now())
    async with outbox_of("profile", system.info) as database, database.transaction() as tx:
        tx.publish(sign_reply(said, private_key(system.info.keys / f"{GONE}.pem")))
    began = monotonic()
    while GONE not in (await tillit(system.info, "holders", "list")).out:
        assert monotonic() - began < 60
        await asyncio.sleep(0.2)


async def test_an_erasure_that_waits_for_a_holder_that_is_gone_is_done_once_two_officers_retire_it(own: System) -> None:
    await registered(own)
    who = await own.job_seeker()
    await own.portal.delete_me(who.login, "profile")
    began = monotonic()
    while not [line for line in (await tillit(own.info, "holders", "list")).out.splitlines() if line.split()[2] == "1"]:
        assert monotonic() - began < 60
        await asyncio.sleep(0.2)
    retire = ("holders", "retire", GONE, "--reason", "its database was dropped")
    one = await tillit(own.info, *retire)
    assert one.out == f"operator has agreed. {GONE} is asked until another officer agrees too.\n"
    again = await tillit(own.info, *retire)
    assert (again.code, "another officer must agree" in again.err) == (1, True)
    assert "operator would retire it" in (await tillit(own.info, "holders", "list")).out
    two = await tillit(own.info, *retire, "--as", "privacy-officer")
    assert two.out == f"{GONE} is retired: erasures go on without its answer, and their receipts say so.\n"
    began = monotonic()
    while not any(one.done_at for one in await own.operator.erasures(who.subject_id)):
        assert monotonic() - began < 60
        await asyncio.sleep(0.2)
    assert "its database was dropped" in (await tillit(own.info, "holders", "list")).out
