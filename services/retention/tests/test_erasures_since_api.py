"""A holder that was restored from before is told what it had erased since: its own part, in the order of its answers."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

from chassis.erasures_since import PATH, ErasuresSince
from chassis.recoveries import Sign
from contracts.personal import Category, SubjectId
from contracts.privacy import ErasureRequested

from chassis import recoveries

from .rig import Rig, new_subject


async def erased_by(rig: Rig, *holders: str) -> ErasureRequested:
    """An erasure that these holders have answered, now."""
    subject = new_subject()
    await rig.make(subject)
    await rig.delete(subject)
    [request] = [request for request in await rig.requests() if request.subject_id == subject]
    for holder in holders:
        await rig.deliver(rig.reply(request, holder))
    return request


async def since(rig: Rig, moment: datetime, caller: str = "profile", **query: str) -> ErasuresSince:
    answer = await rig.get(f"{PATH}?{urlencode({'moment': moment.isoformat(), **query})}", caller)
    assert answer.status_code == 200, answer.text
    return ErasuresSince.model_validate_json(answer.content)


def people(page: ErasuresSince) -> list[SubjectId]:
    return [request.subject_id for request in page.items]


async def test_a_holder_is_told_what_it_answered_since_and_nothing_that_it_was_only_asked(rig: Rig) -> None:
    before = await erased_by(rig, "profile")
    rig.clock.advance(timedelta(hours=1))
    moment = rig.clock.now()
    after = await erased_by(rig, "profile")
    await erased_by(rig, "notifications")
    assert people(await since(rig, moment)) == [after.subject_id]
    assert people(await since(rig, moment - timedelta(hours=2))) == [before.subject_id, after.subject_id]


async def test_the_request_is_told_word_for_word_so_that_the_answer_is_the_same(rig: Rig) -> None:
    request = await erased_by(rig, "profile")
    [told] = (await since(rig, rig.clock.now() - timedelta(hours=1))).items
    assert told == request


async def test_it_is_told_page_by_page(rig: Rig) -> None:
    begun = rig.clock.now()
    expected: list[SubjectId] = []
    for _ in range(5):
        rig.clock.advance(timedelta(minutes=1))
        expected.append((await erased_by(rig, "profile")).subject_id)
    found: list[SubjectId] = []
    page = await since(rig, begun, limit="2")
    found += people(page)
    while page.next is not None:
        page = await since(rig, begun, limit="2", cursor=page.next)
        found += people(page)
    assert found == expected


async def test_people_and_operators_are_not_told(rig: Rig) -> None:
    query = urlencode({"moment": rig.clock.now().isoformat()})
    assert (await rig.get(f"{PATH}?{query}", "operator")).status_code == 403
    assert (await rig.get(PATH, "profile")).status_code == 422


async def test_while_retention_catches_up_itself_nobody_is_told_half_of_it(rig: Rig) -> None:
    async with rig.service.database.transaction(keys=()) as tx:
        await recoveries.begin(tx.connection, Sign.TOLD, tx.now() - timedelta(days=1), tx.now())
    answer = await rig.get(f"{PATH}?{urlencode({'moment': rig.clock.now().isoformat()})}", "profile")
    assert answer.status_code == 503


async def test_while_retention_catches_up_it_gives_keys_and_takes_no_other_command(rig: Rig) -> None:
    subject = new_subject()
    async with rig.service.database.transaction(keys=()) as tx:
        await recoveries.begin(tx.connection, Sign.TOLD, tx.now() - timedelta(days=1), tx.now())
    assert (await rig.make(subject)).status_code == 201
    assert (await rig.fetch("profile", (subject, Category.USER_INFORMATION))).status_code == 200
    refused = await rig.post("operator", "/keyring/rotation", {})
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:tillit:problem:catching-up")
    async with rig.service.database.transaction(keys=()) as tx:
        for step in (recoveries.sought, recoveries.reapplied, recoveries.done):
            await step(tx.connection, tx.now())
    assert (await rig.post("operator", "/keyring/rotation", {})).status_code == 202
