"""Who has something to do is woken, in every process of the service, and nobody else: each look costs the database."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from chassis.wakeups import Wakeups

from chassis import work

from .town import Town

MAIL, LETTER = work.channel("mail"), work.channel("letter")


@asynccontextmanager
async def listening(wakeups: Wakeups, *events: asyncio.Event) -> AsyncGenerator[None]:
    """It has connected and woken everything once, as it does after each connecting; that is cleared."""
    running = asyncio.create_task(wakeups.run())
    try:
        for event in events:
            await asyncio.wait_for(event.wait(), 10)
            event.clear()
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def other_process(town: Town) -> Wakeups:
    return Wakeups(town.service.settings.database_url.get_secret_value())


async def test_work_wakes_who_does_its_kind_here_and_in_the_other_processes_and_nobody_else(town: Town) -> None:
    ours, theirs = town.service.wakeups, other_process(town)
    mail, letter = ours.event(MAIL), ours.event(LETTER)
    their_mail, their_letter = theirs.event(MAIL), theirs.event(LETTER)
    async with listening(ours, mail, letter), listening(theirs, their_mail, their_letter):
        async with town.service.database.transaction(keys=()) as tx:
            tx.enqueue("mail", "one")
        assert mail.is_set()
        await asyncio.wait_for(their_mail.wait(), 10)
        assert not letter.is_set()
        assert not their_letter.is_set()


async def test_a_process_is_not_woken_again_by_what_it_told_the_others(town: Town) -> None:
    ours, theirs = other_process(town), other_process(town)
    mail, letter = ours.event(MAIL), ours.event(LETTER)
    their_mail, their_letter = theirs.event(MAIL), theirs.event(LETTER)
    async with listening(ours, mail, letter), listening(theirs, their_mail, their_letter):
        ours.wake([MAIL])
        mail.clear()
        await asyncio.wait_for(their_mail.wait(), 10)
        theirs.wake([LETTER])
        await asyncio.wait_for(letter.wait(), 10)  # heard after our own words would have been
        assert not mail.is_set()


async def test_work_that_is_due_later_wakes_nobody_now(town: Town) -> None:
    mail = town.service.wakeups.event(MAIL)
    async with town.service.database.transaction(keys=()) as tx:
        tx.enqueue("mail", "later", due_at=tx.now() + timedelta(seconds=1))
    assert not mail.is_set()
    async with town.service.database.transaction(keys=()) as tx:
        tx.enqueue("mail", "now", due_at=tx.now())
    assert mail.is_set()
