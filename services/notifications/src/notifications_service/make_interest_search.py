"""Makes `interest_search` anew of the sealed interests, when PostgreSQL has emptied it; until then nobody is ready.

Page by page, under the locks of the people whose interests it opens: what is saved, removed or erased meanwhile writes
its own part under the same locks. Whoever's key is destroyed is left out. How far it is stands beside what was made, and
goes with it, so that whoever goes on where another stopped misses nobody, whatever happened between.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from chassis.clock import monotonic
from chassis.keys import KeyName
from chassis.logs import get_logger
from chassis.sealing import BadBlob
from chassis.service import Service
from chassis.sql import borrow
from chassis.transaction import Transaction
from chassis.work import WorkItem
from contracts.personal import ERASED, Category, SubjectId

from notifications_service import interest_search, interest_search_made, interests
from notifications_service.interest_search import Searched, as_searched
from notifications_service.interests import Interest, Words

MAKE_INTEREST_SEARCH: Final = "make_interest_search"
LOOK_EVERY: Final = timedelta(seconds=2)
PAGE: Final = 250
"""Interests of one transaction: the most that are opened, and people that are locked, at once."""
TURN_SECONDS: Final = 20.0
"""How long one errand makes pages: it must end within its lease and its loop's sign of life. The next one goes on."""
_log = get_logger()


def keep_interests_searchable(service: Service) -> None:
    """A worker looks every `LOOK_EVERY` whether everybody can be found; until then the service is not ready."""
    service.schedule(MAKE_INTEREST_SEARCH, partial(_take_a_turn, service), every=LOOK_EVERY)
    service.health.check("interests can be searched", partial(_whole, service))


async def make_if_missing(service: Service) -> None:
    """Make the search anew unless it is whole. Several may do it at once, and share the pages out.

    Raises:
        Exception: one of `chassis.errors.TRANSIENT`, the keyring's absence among them; done again, it goes on.
    """
    while await _next_page(service):
        pass


async def _take_a_turn(service: Service, _item: WorkItem) -> None:
    began = monotonic()
    while await _next_page(service) and monotonic() - began < TURN_SECONDS:
        pass


async def _next_page(service: Service) -> bool:
    """Make one page of it; False when it is whole."""
    async with borrow(service.database.pool) as connection:
        made = await interest_search_made.find(connection)
        if made is None:
            await interest_search_made.begin(connection)
            return True
        if made.whole:
            return False
        owners = await interests.owners(connection, made.made_to, PAGE)
        if not owners:
            await interest_search_made.end(connection, made.made_to)
            _log.warning("interest_search.made_anew")
            return True  # unless it was emptied meanwhile: looked at once more
    await _make(service, made.made_to, owners)
    return True


async def _make(service: Service, made_to: UUID, owners: Mapping[UUID, SubjectId]) -> None:
    people = set(owners.values())
    names = [KeyName(subject, Category.USER_INFORMATION) for subject in people]
    async with service.database.transaction(people, keys=names) as tx:
        # read again: what was saved between the first look and a crash is in no search, and may be another's
        page = await interests.page(tx.connection, made_to, max(owners))
        if not people.issuperset(row.subject_id for row in page):
            return
        if not await interest_search_made.advance(tx.connection, made_to, to=max(owners)):
            return
        opened = [_opened(row, tx) for row in page]
        await interest_search.put(tx.connection, [searched for searched in opened if searched is not None])


def _opened(row: Interest, tx: Transaction) -> Searched | None:
    """None for whoever is erased; and for a damaged blob, which must not keep everybody else from being found."""
    try:
        words = tx.open(Words, row.words)
    except BadBlob:
        _log.critical("interest_search.damaged_interest")
        return None
    occupation, place = words.occupation.reveal(), words.place.reveal()
    if occupation is ERASED or place is ERASED:
        return None
    return as_searched(row.interest_id, row.subject_id, occupation, place)


async def _whole(service: Service) -> bool:
    async with borrow(service.database.pool) as connection:
        made = await interest_search_made.find(connection)
    return made is not None and made.whole
