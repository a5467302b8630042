import asyncio
from collections.abc import Iterator

import pytest
from tillit_cli.import_file import Parsed, ReadItem, Rejected
from tillit_cli.import_run import ImportSummary, Outcome, send_all, told_reasons
from tillit_cli.patient_http import Refused, Unreachable


async def added(item: Parsed[int]) -> Outcome:
    return Outcome.ADDED


async def test_a_bad_item_is_told_with_its_index_and_reason_and_the_others_go_in() -> None:
    async def send(item: Parsed[int]) -> Outcome:
        if item.value == 2:
            raise Refused(422, "invalid-request", "/body/title: is too long")
        return Outcome.KNOWN if item.value == 3 else Outcome.ADDED

    items: list[ReadItem[int]] = [Parsed(0, 0), Rejected(1, "title: is missing"), Parsed(2, 2), Parsed(3, 3)]
    summary = await send_all(items, send, at_once=2)
    assert (summary.added, summary.known, summary.total) == (1, 1, 4)
    assert list(told_reasons(summary)) == ["item 1: title: is missing", "item 2: refused: /body/title: is too long"]


async def test_no_more_items_than_allowed_are_under_way_at_once() -> None:
    now, most = 0, 0

    async def send(item: Parsed[int]) -> Outcome:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1
        return Outcome.ADDED

    await send_all([Parsed(n, n) for n in range(40)], send, at_once=3)
    assert most == 3


async def test_a_long_file_is_read_as_it_is_sent_and_not_before() -> None:
    read = 0

    def items() -> Iterator[Parsed[int]]:
        nonlocal read
        for n in range(100):
            read += 1
            yield Parsed(n, n)

    async def send(item: Parsed[int]) -> Outcome:
        assert read <= item.index + 4
        await asyncio.sleep(0)
        return Outcome.ADDED

    assert (await send_all(items(), send, at_once=4)).added == 100


async def test_a_service_that_stops_answering_ends_the_import_and_is_told_as_itself() -> None:
    async def send(item: Parsed[int]) -> Outcome:
        raise Unreachable("profile did not take POST /positions: status 503")

    with pytest.raises(Unreachable, match="status 503"):
        await send_all([Parsed(n, n) for n in range(5)], send, at_once=2)


async def test_progress_is_told_for_every_item_bad_ones_too() -> None:
    totals: list[int] = []

    def told(summary: ImportSummary) -> None:
        totals.append(summary.total)

    await send_all([Parsed(0, 0), Rejected(1, "must be an object"), Parsed(2, 2)], added, at_once=1, told=told)
    assert totals == [1, 2, 3]


async def test_a_file_that_can_not_be_read_is_told_without_an_index() -> None:
    summary = await send_all([Rejected(None, "line 1, column 1: not JSON")], added, at_once=4)
    assert list(told_reasons(summary)) == ["the file: line 1, column 1: not JSON"]
