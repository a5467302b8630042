"""The guide, followed from an empty folder: what it says happens, and an erasure waits for the new holder."""

import asyncio
import json
import re
from importlib.metadata import version
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from contracts.profile import JobInterestSaved
from tillit_cli.json_resume import JobInterest
from tillit_cli.operator_calls import Erasure
from tillit_cli.proof.kafka_records import every_record

from tests.guide.reader import NAME, Reader
from tests.promises.system import SECONDS, JobSeeker, System

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

LIGHTHOUSES = JobInterest(occupation="fyrvokter", place="Røst")


def test_the_project_has_two_wheels_of_ours_and_nothing_else(reader: Reader) -> None:
    script = (
        "import chassis, contracts, importlib.metadata as m\n"
        "print(sorted(d.name for d in m.distributions() if d.name.startswith('tillit')))\n"
        "print([module.__file__ for module in (chassis, contracts)])"
    )
    said = reader.shell.run(f'partner-board/.venv/bin/python -I -c "{script}"')
    assert "['tillit-chassis', 'tillit-contracts']" in said
    assert said.count("partner-board/.venv/lib/") == 2
    assert {wheel.name for wheel in (reader.folder / "wheels").glob("*.whl")} == {
        f"tillit_{name}-{version(f'tillit-{name}')}-py3-none-any.whl" for name in ("chassis", "contracts")
    }


def test_what_the_guide_lets_the_reader_see_is_seen(reader: Reader) -> None:
    said = reader.follow("6.")
    assert re.search(r'{"position_id":"[0-9a-f-]{36}"}', said)
    assert re.search(rf"{NAME} +\d+ ms +3 +wishes 3", said), said
    assert "The demo is done, all as promised" in said
    standing = json.loads(said.strip().splitlines()[-1])
    assert standing["wishes"] > 20
    assert standing["forgotten"] == 1


def test_the_examples_own_tests_pass_where_only_the_wheels_are(reader: Reader) -> None:
    said = reader.follow("7.")
    assert re.search(r"\b8 passed", said), said


async def test_an_erasure_waits_for_the_holder_that_is_down_and_ends_when_it_is_back(reader: Reader) -> None:
    async with reader.system() as system:
        leaver, stayer = await system.job_seeker(LIGHTHOUSES), await system.job_seeker(LIGHTHOUSES)
        for who in (leaver, stayer):
            await reader.wishes_become(who.subject_id, 1)

        registered = await reader.registration()
        assert {table.table for table in registered.tables} == {"wishes"}
        read = {f"{NAME}.{topic}" for topic in ("profile.v1", "erasure.v1", "rights.v1")}
        assert {group.group for group in registered.groups} == read

        reader.stop_service()
        await system.portal.delete_me(leaver.login, "everything")
        waiting = await _all_but_one_answered(system, leaver)
        await asyncio.sleep(3)  # many rounds of the fence, which looks twice a second
        [waiting] = await system.operator.erasures(leaver.subject_id)
        assert (waiting.stage, waiting.fenced_at, waiting.done_at) == ("asking", None, None)
        assert not await reader.was_told_erased(leaver.subject_id)
        assert await reader.wishes_of(leaver.subject_id) == 1

        reader.start_service()
        done = await _done(system, leaver)
        assert done.erasure_id == waiting.erasure_id
        answer = await reader.answer(done)
        assert answer.rows["wishes"] == 1
        assert reader.is_trusted(answer)
        assert not reader.is_trusted(answer.model_copy(update={"rows": {"wishes": 0}}))
        assert await reader.was_told_erased(leaver.subject_id)
        assert await reader.wishes_of(leaver.subject_id) == 0
        assert await reader.wishes_of(stayer.subject_id) == 1


async def test_a_record_of_a_newer_writer_is_parked_listed_without_its_content_and_run_again(reader: Reader) -> None:
    known = [record async for record in every_record(reader.info.kafka_bootstrap, {JobInterestSaved.topic.name})]
    old = next(record for record in known if record.header("ce_type") == JobInterestSaved.type.encode())
    body = {**json.loads(old.value or b"{}"), "shoe_size": "Kanarifugl"}
    headers = [(name, str(uuid4()).encode() if name == "ce_id" else value) for name, value in old.headers]
    async with AIOKafkaProducer(bootstrap_servers=reader.info.kafka_bootstrap) as producer:
        await producer.send_and_wait(old.topic, json.dumps(body).encode(), old.key, headers=headers)
    said = await _once_parked(reader, JobInterestSaved.type)
    listed, ran = (json.loads(line) for line in said.splitlines() if line.startswith("{"))
    [parked] = listed["items"]
    assert parked["key"] == (old.key or b"").decode()
    assert "unknown field" in parked["reason"]
    assert "Kanarifugl" not in said
    assert "shoe_size" not in said
    assert [one["done"] for one in ran["keys"]] == [0]


def test_the_guide_ends_with_nothing_running(reader: Reader) -> None:
    assert "Stopped in" in reader.follow("8.")
    assert "draining" in (reader.folder / "partner-board/service.log").read_text(encoding="utf-8")


async def _once_parked(reader: Reader, event_type: str) -> str:
    """What the guide's commands print once such a record is parked."""
    async with asyncio.timeout(SECONDS):
        while True:
            said = reader.follow("Replay")
            if event_type in said:
                return said
            await asyncio.sleep(0.2)


async def _all_but_one_answered(system: System, who: JobSeeker) -> Erasure:
    async with asyncio.timeout(SECONDS):
        while True:
            found = await system.operator.erasures(who.subject_id)
            silent = {part.holder for one in found for part in one.holders if part.replied_at is None}
            if found and silent == {NAME}:
                return found[0]
            await asyncio.sleep(0.1)


async def _done(system: System, who: JobSeeker) -> Erasure:
    async with asyncio.timeout(SECONDS):
        while True:
            [found] = await system.operator.erasures(who.subject_id)
            if found.done_at is not None and found.fenced_at is not None:
                return found
            await asyncio.sleep(0.1)
