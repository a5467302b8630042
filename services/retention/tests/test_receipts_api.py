"""Whoever has a receipt's link gets the receipt, to check or to print; nobody else learns that there is one."""

import re
import secrets

import httpx
import pytest
from chassis.sql import borrow
from contracts.receipt_files import Receipt
from contracts.receipt_keys import read_receipt_keys
from contracts.receipts import name_of
from retention_service.ask_holders import Asking
from retention_service.reopen_erasure import reopen_erasure

from .receipt_steps import attested, begin, change, erasure_of, fetch, keys_of, proven
from .rig import Rig, new_subject
from .small_log import SmallLog

_BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


async def test_the_file_is_served_to_whoever_has_the_link_and_kept_by_nobody(logged: Rig, log: SmallLog) -> None:
    subject = new_subject()
    number = await proven(logged, log, subject)
    served = await fetch(logged, number)
    receipt = Receipt.model_validate_json(served.content)
    assert receipt.to_bytes() == served.content
    assert receipt.body.receipt == name_of(number)
    assert served.headers["cache-control"] == "no-store"
    assert served.headers["x-robots-tag"] == "noindex, nofollow"
    assert str(subject) not in served.text
    assert number not in served.text


async def test_a_browser_gets_a_page_that_loads_and_runs_nothing(logged: Rig, log: SmallLog) -> None:
    number = await proven(logged, log, new_subject())
    page, file = await fetch(logged, number, accept=_BROWSER), await fetch(logged, number)
    body = Receipt.model_validate_json(file.content).body
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert not re.search(r"<script|<img|<link|href=|src=", page.text)
    for shown in (body.receipt, body.digest(), body.unreadable.backups_by, *(part.holder for part in body.holders)):
        assert shown in page.text


async def test_what_stands_in_a_receipt_is_never_markup_in_its_page(logged: Rig, log: SmallLog) -> None:
    number = await begin(logged, new_subject())
    await change(logged, "UPDATE erasures SET policy = '<script>alert(1)</script>'")
    erasure = await erasure_of(logged, number)
    await logged.answer((await logged.requests())[-1])
    await logged.without_fence(erasure.subject_id)
    await logged.work("attest_erasure")
    log.append(*await _leaves(logged))
    await change(logged, "UPDATE work SET due_at = $1 WHERE kind = 'prove_receipt'", logged.clock.now())
    await logged.work("prove_receipt")
    page = await fetch(logged, number, accept="text/html")
    assert page.status_code == 200
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_the_format_in_the_address_goes_before_what_the_browser_asks_for(logged: Rig, log: SmallLog) -> None:
    number = await proven(logged, log, new_subject())
    assert (await fetch(logged, f"{number}?format=json", accept=_BROWSER)).headers["content-type"] == "application/json"
    assert (await fetch(logged, f"{number}?format=html")).headers["content-type"].startswith("text/html")


async def test_a_receipt_that_is_not_there_yet_is_told_to_the_bearer_of_its_link(rig: Rig) -> None:
    number = await begin(rig, new_subject())
    awaited = await fetch(rig, number)
    assert (awaited.status_code, awaited.json()) == (202, {"state": "erasing"})
    assert awaited.headers["retry-after"] == "5"
    assert awaited.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("number", ["x", "a" * 43, "-_" * 90, "æøå", "' OR 1=1 --"], ids=lambda number: repr(number))
async def test_every_number_that_is_none_is_answered_in_the_same_way(rig: Rig, number: str) -> None:
    unknown = await fetch(rig, secrets.token_urlsafe(32))
    answered = await fetch(rig, number)
    assert (answered.status_code, _without_id(answered)) == (404, _without_id(unknown))


async def test_the_name_of_a_receipt_does_not_fetch_it(logged: Rig, log: SmallLog) -> None:
    number = await proven(logged, log, new_subject())
    assert (await fetch(logged, name_of(number))).status_code == 404


async def test_a_receipt_is_served_after_the_row_of_its_erasure_is_gone(logged: Rig, log: SmallLog) -> None:
    number = await proven(logged, log, new_subject())
    served = await fetch(logged, number)
    await change(logged, "DELETE FROM erasure_holders")
    await change(logged, "DELETE FROM erasures")
    again = await fetch(logged, number)
    assert (again.status_code, again.content) == (200, served.content)


async def test_a_receipt_whose_erasure_was_opened_again_is_not_handed_out_meanwhile(logged: Rig, log: SmallLog) -> None:
    number = await proven(logged, log, new_subject())
    erasure = await erasure_of(logged, number)
    async with logged.service.database.transaction([erasure.subject_id]) as tx:
        await reopen_erasure(tx, erasure, Asking.told_by(logged.settings))
    assert (await fetch(logged, number)).json() == {"state": "erasing"}


async def test_guessing_numbers_is_slowed_down(rig: Rig) -> None:
    async with httpx.AsyncClient(base_url=rig.url) as client:
        codes = [(await client.get(f"/receipts/{n}")).status_code for n in range(61)]
    assert codes == [404] * 60 + [429]


async def test_the_public_keys_that_check_a_receipt_are_public(logged: Rig, log: SmallLog) -> None:
    async with httpx.AsyncClient(base_url=logged.url) as client:
        served = await client.get("/receipts/keys")
    assert served.status_code == 200
    keys, known = read_receipt_keys(served.content), keys_of(logged, log)
    assert (keys.log, list(keys.witnesses)) == (known.log, list(known.witnesses))
    assert {name: list(one) for name, one in keys.holders.items()} == {n: list(o) for n, o in known.holders.items()}


async def test_without_a_log_there_are_no_keys_to_show(rig: Rig) -> None:
    await attested(rig, new_subject())
    async with httpx.AsyncClient(base_url=rig.url) as client:
        assert (await client.get("/receipts/keys")).status_code == 404


def _without_id(answer: httpx.Response) -> dict[str, object]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


async def _leaves(rig: Rig) -> list[str]:
    async with borrow(rig.service.database.pool) as connection:
        return [row["leaf"] for row in await connection.fetch("SELECT leaf FROM receipts")]
