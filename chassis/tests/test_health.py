"""A probe tells whether the loops run and whether what is needed answers, and never why not."""

import asyncio
from datetime import timedelta

import pytest
from chassis.health import Health


class Seconds:
    """A stopwatch that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


async def broken() -> bool:
    raise ConnectionError("postgresql://profile:hemmelig@db")


async def hanging() -> bool:
    await asyncio.sleep(60)
    return True


def test_a_process_lives_while_every_loop_beats_within_its_bound() -> None:
    seconds = Seconds()
    health = Health(clock=seconds)
    relay, batch = health.loop("relay", timedelta(seconds=10)), health.loop("batch", timedelta(seconds=30))
    seconds.now = 20
    batch.beat()
    assert health.live().parts == {"relay": False, "batch": True}
    assert not health.live().ok
    relay.beat()
    assert health.live().ok


def test_a_loop_that_ended_is_not_missed() -> None:
    seconds = Seconds()
    health = Health(clock=seconds)
    health.loop("import", timedelta(seconds=1))
    seconds.now = 5
    health.forget_loop("import")
    assert health.live().ok


async def test_a_process_is_ready_when_every_check_says_yes() -> None:
    health = Health()
    health.check("database", yes)
    assert (await health.ready()).ok
    health.check("schema", no)
    report = await health.ready()
    assert report.parts == {"database": True, "schema": False}
    assert not report.ok


async def test_a_check_that_raises_or_hangs_is_a_no_and_hides_no_other() -> None:
    health = Health(check_within=timedelta(milliseconds=50))
    for name, check in (("database", broken), ("broker", hanging), ("schema", yes)):
        health.check(name, check)
    assert (await health.ready()).parts == {"database": False, "broker": False, "schema": True}


async def test_a_draining_process_is_alive_but_not_ready() -> None:
    health = Health()
    health.check("database", yes)
    health.drain()
    assert not (await health.ready()).ok
    assert health.live().ok


def test_a_name_is_registered_once() -> None:
    health = Health()
    health.loop("relay", timedelta(seconds=1))
    health.check("database", yes)
    with pytest.raises(ValueError, match="twice"):
        health.loop("relay", timedelta(seconds=1))
    with pytest.raises(ValueError, match="twice"):
        health.check("database", yes)
