"""A receipt names nobody, says what was done, and is not made while anything is missing."""

import re
from uuid import UUID

import pytest
from contracts.personal import Category
from contracts.profile import DeletionReason
from contracts.receipt_files import HolderPart, ReceiptBody
from contracts.receipts import name_of
from retention_service.attest_erasure import ATTEST_ERASURE
from retention_service.build_receipt import Incomplete
from retention_service.destroyed_ledger import FILE

from .receipt_steps import begin, body_of, change, end, erasure_of, newest
from .rig import HOLDERS, Rig, new_subject

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}")


async def test_a_receipt_says_what_each_holder_did_with_its_signature(rig: Rig) -> None:
    subject = new_subject()
    number = await begin(rig, subject, DeletionReason.REQUESTED)
    await end(rig, subject)
    body = await body_of(rig, number)
    assert body.receipt == name_of(number)
    assert [part.holder for part in body.holders] == sorted(HOLDERS)
    assert all(set(part.rows) == set(body.categories) for part in body.holders)
    assert set(body.categories) == {Category.USER_INFORMATION, Category.COMMUNICATION, Category.WEBSITE_USAGE}
    assert (body.requested_on, body.unreadable.live_since, body.unreadable.backups_by) == (
        "2026-01-31",
        "2026-01-31",
        "2026-02-08",
    )


async def test_a_receipt_names_neither_the_person_nor_any_other_id(rig: Rig) -> None:
    subject = new_subject()
    number = await begin(rig, subject)
    await end(rig, subject)
    said = (await body_of(rig, number)).canonical().decode()
    erasure = await erasure_of(rig, number)
    assert not _UUID.search(said)
    for secret in (str(subject), subject.hex, str(erasure.erasure_id), erasure.nonce, number, erasure.reason):
        assert secret not in said
    assert not re.search(r"\d{2}:\d{2}", said)  # days, no times of day


@pytest.mark.parametrize("silent", HOLDERS)
async def test_no_receipt_is_made_while_one_holder_is_silent(rig: Rig, silent: str) -> None:
    subject = new_subject()
    number = await begin(rig, subject)
    await rig.answer((await rig.requests())[-1], [holder for holder in HOLDERS if holder != silent])
    await rig.without_fence(subject)
    with pytest.raises(Incomplete, match="not done"):
        await body_of(rig, number)


@pytest.mark.parametrize("holder", HOLDERS)
async def test_no_receipt_is_made_where_a_holders_answer_was_taken_away_afterwards(rig: Rig, holder: str) -> None:
    number = await _done(rig)
    await change(rig, "UPDATE erasure_holders SET replied_at = NULL, rows = NULL WHERE holder = $1", holder)
    with pytest.raises(Incomplete, match=f"no answer of {holder}"):
        await body_of(rig, number)
    await change(rig, "DELETE FROM erasure_holders WHERE holder = $1", holder)
    with pytest.raises(Incomplete, match=f"no answer of {holder}"):
        await body_of(rig, number)


async def test_no_receipt_is_made_of_a_statement_that_was_changed_or_is_of_another_receipt(rig: Rig) -> None:
    number, other = await _done(rig), await _done(rig)
    true = _part(await body_of(rig, number), "profile")
    forged = true.model_copy(update={"rows": {"user_information": 99}})
    foreign = _part(await body_of(rig, other), "profile")
    erasure_id = (await erasure_of(rig, number)).erasure_id
    for part in (forged, foreign):
        await _state(rig, erasure_id, part)
        with pytest.raises(Incomplete, match="no statement that is signed by profile"):
            await body_of(rig, number)
    await _state(rig, erasure_id, true)
    assert _part(await body_of(rig, number), "profile") == true


async def test_no_receipt_is_made_while_the_fence_is_not_passed(rig: Rig) -> None:
    number = await _done(rig)
    await change(rig, "UPDATE fences SET passed_at = NULL")
    with pytest.raises(Incomplete, match="past the fence"):
        await body_of(rig, number)


async def test_no_receipt_is_made_while_a_key_of_what_was_erased_is_there(rig: Rig) -> None:
    number = await _done(rig)
    subject = (await erasure_of(rig, number)).subject_id
    await change(
        rig,
        "UPDATE subject_keys SET wrapped = '\\x00', kek_epoch = 1, destroyed_at = NULL"
        " WHERE subject_id = $1 AND category = 'user_information'",
        subject,
    )
    with pytest.raises(Incomplete, match="1 keys are not destroyed"):
        await body_of(rig, number)


async def test_no_receipt_is_made_where_the_row_that_keeps_a_key_from_coming_back_is_gone(rig: Rig) -> None:
    number = await _done(rig)
    await change(rig, "DELETE FROM subject_keys WHERE category = 'user_information'")
    with pytest.raises(Incomplete, match="1 keys are not destroyed"):
        await body_of(rig, number)


async def test_no_receipt_is_made_while_the_ledger_does_not_have_a_destroyed_key(rig: Rig) -> None:
    number = await _done(rig)
    ledger = rig.settings.kek_dir / FILE
    head, _, rest = ledger.read_bytes().partition(b"\n")
    ledger.write_bytes(head + b"\n")
    with pytest.raises(Incomplete, match="ledger"):
        await body_of(rig, number)
    ledger.write_bytes(head + b"\n" + rest)
    await body_of(rig, number)


async def test_a_receipt_of_an_erasure_that_grew_has_the_answers_to_each_asking_late_ones_too(rig: Rig) -> None:
    subject = new_subject()
    number = await begin(rig, subject)
    (first,) = await rig.requests()
    await rig.deliver(rig.reply(first, "profile", counted=3))
    await rig.delete(subject, DeletionReason.REQUESTED)
    second = (await rig.requests())[-1]
    late = rig.reply(first, "notifications", counted=5)
    await rig.deliver(late, late)
    for holder in HOLDERS:
        await rig.deliver(rig.reply(second, holder, counted=1))
    await rig.without_fence(subject)
    counts = [(part.holder, part.rows["user_information"]) for part in (await body_of(rig, number)).holders]
    assert counts == [
        ("audit-log", 1),
        ("notifications", 5),
        ("notifications", 1),
        ("profile", 3),
        ("profile", 1),
        ("retention", 1),
    ]


async def test_what_a_former_asking_erased_is_attested_when_it_is_told_after_the_end(rig: Rig) -> None:
    subject = new_subject()
    number = await begin(rig, subject)
    (first,) = await rig.requests()
    await rig.delete(subject, DeletionReason.REQUESTED)
    await end(rig, subject)
    await rig.work(ATTEST_ERASURE)
    assert len((await body_of(rig, number)).holders) == len(HOLDERS)
    await rig.deliver(rig.reply(first, "profile", counted=3))
    await rig.work(ATTEST_ERASURE)
    assert (await newest(rig, number)).edition == 2
    assert [part.rows["user_information"] for part in _parts(await body_of(rig, number), "profile")] == [3, 1]


async def test_no_receipt_is_made_where_the_answer_to_a_former_asking_was_changed(rig: Rig) -> None:
    subject = new_subject()
    number = await begin(rig, subject)
    await rig.answer((await rig.requests())[-1], ["profile"])
    await rig.delete(subject, DeletionReason.REQUESTED)
    await end(rig, subject)
    await body_of(rig, number)
    await change(rig, "UPDATE erasure_holders SET former = replace(former::text, ': 1', ': 7')::jsonb")
    with pytest.raises(Incomplete, match="no statement that is signed by profile"):
        await body_of(rig, number)


async def _done(rig: Rig) -> str:
    subject = new_subject()
    number = await begin(rig, subject)
    await end(rig, subject)
    return number


async def _state(rig: Rig, erasure_id: UUID, part: HolderPart) -> None:
    await change(
        rig,
        "UPDATE erasure_holders SET statement = $3::text::jsonb WHERE erasure_id = $1 AND holder = $2",
        erasure_id,
        part.holder,
        part.model_dump_json(),
    )


def _part(body: ReceiptBody, holder: str) -> HolderPart:
    return _parts(body, holder)[-1]


def _parts(body: ReceiptBody, holder: str) -> list[HolderPart]:
    return [part for part in body.holders if part.holder == holder]
