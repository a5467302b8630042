"""A done erasure is attested once for each thing that its receipt says, and whoever holds the receipt can see what for."""

import hmac
from dataclasses import replace
from hashlib import sha256

import pytest
from chassis.sql import borrow
from contracts.log_leaf import read_leaf
from contracts.receipt_files import ReceiptBody
from contracts.receipts import ErasureAttested, name_of
from retention_service.ask_holders import Asking
from retention_service.attest_erasure import ATTEST_ERASURE, ask_to_attest
from retention_service.build_receipt import Incomplete, build_receipt
from retention_service.keyring import Keyring

from .receipt_steps import attested, begin, body_of, change, end, erasure_of, newest
from .recipients_rig import Employer, Endpoint, disclosed
from .rig import HOLDERS, Rig, new_subject
from .scan_steps import WEEK, scanned, scans_asked
from .test_tell_recipients import open_rig, server

__all__ = ["open_rig", "server"]


async def test_the_digest_of_the_receipt_is_published_under_its_name_about_nobody(rig: Rig) -> None:
    number, last = await attested(rig, new_subject())
    (event,) = await rig.published(ErasureAttested)
    assert event == ErasureAttested(receipt=name_of(number), digest=sha256(last.body.encode()).hexdigest())
    assert event.subjects() == ()
    assert last.payload == event.model_dump_json().encode()


async def test_body_salt_and_entry_are_kept_so_that_a_stranger_can_open_the_logs_commitment(rig: Rig) -> None:
    _, last = await attested(rig, new_subject())
    async with borrow(rig.service.database.pool) as connection:
        headers = await connection.fetchval(
            "SELECT convert_from(headers, 'UTF8') FROM outbox WHERE body = $1", last.payload
        )
    leaf = read_leaf(last.leaf.encode())
    assert (leaf.type, leaf.source) == (ErasureAttested.type, "retention")
    assert leaf.commitment == hmac.digest(last.salt, last.payload, sha256)
    assert "ce_subject" not in headers


async def test_nothing_is_attested_before_the_erasure_is_done(rig: Rig) -> None:
    subject = new_subject()
    number = await begin(rig, subject)
    await _ask(rig, number)
    await rig.work(ATTEST_ERASURE)
    assert await rig.published(ErasureAttested) == []
    await end(rig, subject)
    await rig.work(ATTEST_ERASURE)
    assert len(await rig.published(ErasureAttested)) == 1


async def test_what_is_missing_is_waited_for_and_the_receipt_comes_when_it_is_there(rig: Rig) -> None:
    subject = new_subject()
    number = await begin(rig, subject)
    await end(rig, subject)
    await change(rig, "UPDATE fences SET passed_at = NULL")
    await rig.work(ATTEST_ERASURE)
    assert await rig.published(ErasureAttested) == []
    await change(rig, "UPDATE fences SET passed_at = taken_at")
    rig.clock.advance(rig.lease)
    await rig.work(ATTEST_ERASURE)
    assert ReceiptBody.model_validate_json((await newest(rig, number)).body) == await body_of(rig, number)


async def test_asking_again_attests_nothing_that_was_attested(rig: Rig) -> None:
    number, first = await attested(rig, new_subject())
    await _ask(rig, number)
    await rig.work(ATTEST_ERASURE)
    assert await newest(rig, number) == first
    assert len(await rig.published(ErasureAttested)) == 1


async def test_what_becomes_known_later_makes_a_new_edition_under_the_same_name(rig: Rig) -> None:
    number, first = await attested(rig, new_subject())
    await change(rig, "UPDATE erasures SET policy = '2'")
    await _ask(rig, number)
    await rig.work(ATTEST_ERASURE)
    second = await newest(rig, number)
    assert (first.edition, second.edition) == (1, 2)
    assert [event.key for event in await rig.published(ErasureAttested)] == [name_of(number)] * 2
    assert first.body != second.body


async def test_the_number_of_the_link_stands_nowhere_beside_the_person_once_the_receipt_is_there(rig: Rig) -> None:
    subject = new_subject()
    number = await begin(rig, subject)
    assert (await erasure_of(rig, number)).receipt == number
    await end(rig, subject)
    await rig.work(ATTEST_ERASURE)
    assert (await erasure_of(rig, number)).receipt is None
    async with borrow(rig.service.database.pool) as connection:
        rows = [await connection.fetch(f"SELECT t::text AS row FROM {table} t") for table in ("erasures", "receipts")]
    assert not any(number in row["row"] for found in rows for row in found)


async def test_an_erasure_that_began_before_there_were_receipts_ends_without_one(rig: Rig) -> None:
    subject = new_subject()
    await begin(rig, subject)
    request = (await rig.requests())[-1]
    await change(rig, "UPDATE erasures SET receipt = NULL, receipt_name = NULL")
    await rig.answer(request.model_copy(update={"receipt": ""}))
    await rig.without_fence(subject)
    await rig.work(ATTEST_ERASURE)
    assert await rig.stage(subject) == "done"
    assert await rig.published(ErasureAttested) == []
    assert await rig.reasons_parked() == []


async def _ask(rig: Rig, number: str) -> None:
    erasure = await erasure_of(rig, number)
    async with rig.service.database.transaction([erasure.subject_id], keys=()) as tx:
        ask_to_attest(tx, erasure.erasure_id, erasure.subject_id)


async def test_a_scan_that_every_holder_answered_makes_a_new_edition_that_tells_of_it(rig: Rig) -> None:
    subject = new_subject()
    number, first = await attested(rig, subject)
    rig.clock.advance(WEEK)
    await rig.work("scan_later")
    (request,) = await scans_asked(rig)
    for holder in HOLDERS:
        assert await newest(rig, number) == first
        await rig.deliver(scanned(rig, request, holder))
        await rig.work(ATTEST_ERASURE)
    (scan,) = ReceiptBody.model_validate_json((await newest(rig, number)).body).scans
    assert (scan.holders, scan.columns, scan.found) == (len(HOLDERS), 99 * len(HOLDERS), 0)
    assert (await newest(rig, number)).edition == 2


async def test_residue_that_a_scan_found_stands_in_the_receipt_of_the_erasure_that_went_on(rig: Rig) -> None:
    subject = new_subject()
    number, _ = await attested(rig, subject)
    rig.clock.advance(WEEK)
    await rig.work("scan_later")
    (request,) = await scans_asked(rig)
    for holder in HOLDERS:
        await rig.deliver(scanned(rig, request, holder, {"people.note": 3} if holder == "profile" else None))
    await rig.work(ATTEST_ERASURE)
    assert (await newest(rig, number)).edition == 1
    await end(rig, subject)
    await rig.work(ATTEST_ERASURE)
    body = ReceiptBody.model_validate_json((await newest(rig, number)).body)
    assert (body.edition, [scan.found for scan in body.scans]) == (2, [3])


async def test_a_holder_that_became_required_after_the_erasure_holds_no_later_edition_up(rig: Rig) -> None:
    number, first = await attested(rig, new_subject())
    erasure, destruction = await erasure_of(rig, number), Keyring.told_by(rig.settings).destruction
    asking = replace(Asking.told_by(rig.settings), required=frozenset({*HOLDERS, "stranger"}))
    async with borrow(rig.service.database.pool) as connection:
        body = await build_receipt(connection, erasure, 2, asking=asking, destruction=destruction)
        assert [part.holder for part in body.holders] == sorted(HOLDERS)
        with pytest.raises(Incomplete, match="no answer of stranger"):
            await build_receipt(connection, erasure, 1, asking=asking, destruction=destruction)
    assert first.edition == 1


async def test_a_recipient_that_comes_to_light_after_the_end_is_told_and_counted_in_a_new_edition(
    open_rig: Rig, server: Endpoint
) -> None:
    subject = new_subject()
    number, first = await attested(open_rig, subject)
    assert ReceiptBody.model_validate_json(first.body).recipients.told == 0
    late = Employer(open_rig, webhook=server.url("/late"))
    await disclosed(open_rig, subject, late)
    await open_rig.work("tell_recipients")
    await open_rig.work("tell_all")
    await open_rig.work(ATTEST_ERASURE)
    body = ReceiptBody.model_validate_json((await newest(open_rig, number)).body)
    assert (body.edition, body.recipients.told) == (2, 1)
