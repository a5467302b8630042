"""The link in the mail that announces a deletion takes it back, once, until it is final, and for whoever has it only."""

from datetime import timedelta

import pytest
from chassis.clock import MovedClock
from chassis.keys import KeyName
from chassis.sealing import unseal
from chassis.sql import borrow
from chassis.testing.services import surroundings
from contracts.event import Event
from contracts.personal import ERASED, Category
from contracts.profile import DeletionAnnounced
from contracts.wire import wire_form
from profile_service.delete_profile import FINAL_DELETION

from chassis import outbox

from .portal import Account, Portal
from .rig import count, do_work, everything_stored, published, stands_in


async def link_of(portal: Portal, account: Account) -> str:
    """The path of the link, as notifications gets its token: opened with the person's key."""
    async with borrow(portal.service.database.pool) as connection:
        rows = await outbox.due(connection, 1_000)
    body = next(row.body for row in reversed(rows) if dict(row.headers)["ce_type"].decode() == DeletionAnnounced.type)
    parsed = wire_form(DeletionAnnounced).parse(body)
    category = Category.USER_INFORMATION
    key = surroundings(portal.service).keyring.key_set([KeyName(account.subject_id, category)])
    opened = unseal(key.need(KeyName(account.subject_id, category)), parsed.blobs[category])
    event: Event = wire_form(DeletionAnnounced).join(parsed, {category: opened})  # pyright: ignore[reportAssignmentType]
    assert isinstance(event, DeletionAnnounced)
    token = event.cancel_token.reveal()
    assert token is not ERASED
    return f"/cancel-deletion/{token}"


async def test_looking_at_the_page_changes_nothing_and_its_button_takes_the_deletion_back(portal: Portal) -> None:
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari)
    link = await link_of(portal, kari)
    for _ in range(3):
        page = await portal.http.get(link)
        assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
        assert '<form method="post">' in page.text
    assert await count(portal.service, "deletions") == 1
    assert (await portal.http.post(link)).status_code == 200
    assert await count(portal.service, "deletions") + await count(portal.service, "cancel_tokens") == 0
    assert (await published(portal.service))[-1] == "deletion.cancelled.v1"


async def test_the_link_works_once(portal: Portal) -> None:
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari)
    link = await link_of(portal, kari)
    assert [(await portal.http.post(link)).status_code for _ in range(2)] == [200, 404]
    await portal.ask_deletion(kari)
    assert (await portal.http.post(link)).status_code == 404
    assert await count(portal.service, "deletions") == 1


async def test_after_the_cooling_off_the_link_takes_nothing_back(portal: Portal, clock: MovedClock) -> None:
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari)
    link = await link_of(portal, kari)
    clock.advance(timedelta(days=3))
    assert (await portal.http.post(link)).status_code == 404
    await do_work(portal.service, FINAL_DELETION)
    assert (await portal.http.get(link)).status_code == 404
    assert (await portal.log_in(kari.email)).status_code == 401


@pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "a" * 500])
async def test_a_guess_finds_nothing(portal: Portal, token: str) -> None:
    await portal.ask_deletion(await portal.job_seeker())
    assert (await portal.http.post(f"/cancel-deletion/{token}")).status_code in (400, 404, 422)
    assert await count(portal.service, "deletions") == 1


async def test_guessing_at_links_is_limited_by_rate(portal: Portal) -> None:
    answers = [(await portal.http.get(f"/cancel-deletion/{'A' * 43}")).status_code for _ in range(61)]
    assert answers[-1] == 429


async def test_the_token_is_kept_nowhere(portal: Portal) -> None:
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari)
    token = (await link_of(portal, kari)).rpartition("/")[2]
    assert not stands_in(await everything_stored(portal.service), token)


async def test_cancelling_in_the_account_ends_the_link_too(portal: Portal) -> None:
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari)
    link = await link_of(portal, kari)
    await portal.http.delete("/me/deletion", headers=kari.headers)
    assert (await portal.http.get(link)).status_code == 404
