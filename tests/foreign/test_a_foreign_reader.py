"""A Java program that has only Kafka's client reads our topics: CloudEvents, JSON, and blobs that stay shut."""

import base64
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast
from uuid import UUID, uuid4

import pytest
from chassis.sealing import VERSION, read_header
from chassis.testing import Kafka, Postgres, running
from contracts.envelope import dataschema
from contracts.personal import Category
from contracts.position import PositionPublished
from contracts.profile import JobInterestSaved
from contracts.topics import POSITION, PROFILE
from pydantic import JsonValue

from tests.integration import writer
from tests.integration.town import eventually, town, waiting_to_be_sent

HERE: Final = Path(__file__).parent
CANARY: Final = "Kanarifuglvokter"

Told = dict[str, JsonValue]
Reader = Callable[[str, str], list[Told]]


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=HERE)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def read_topic(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """The compiled program; its answer is what it printed."""
    for program, package in {"java": "default-jre-headless", "mvn": "maven"}.items():
        assert shutil.which(program), f"{program} is missing: apt-get install -y {package}, or run ./test"
    jars, classes = tmp_path_factory.mktemp("jars"), tmp_path_factory.mktemp("classes")
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={jars}"]
    _run("mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), *goal)
    (compiler,) = jars.glob("ecj-*.jar")
    path = ":".join(map(str, jars.glob("*.jar")))
    _run(
        "java",
        "-jar",
        str(compiler),
        "-17",
        "-proc:none",
        "-cp",
        path,
        "-d",
        str(classes),
        str(HERE / "ReadTopic.java"),
    )

    def read(bootstrap: str, topic: str) -> list[Told]:
        printed = _run("java", "-cp", f"{classes}:{path}", "ReadTopic", bootstrap, topic)
        return [cast("Told", json.loads(line)) for line in printed.splitlines()]

    return read


async def test_a_foreign_reader_sees_the_envelope_the_body_and_sealed_blobs_only(
    kafka: Kafka, postgres: Postgres, topic_prefix: str, read_topic: Reader
) -> None:
    position = uuid4()
    async with town(kafka, postgres, topic_prefix) as made:
        person = made.person()
        interest = writer.saved(person, 7, CANARY)
        async with running(made.writer):
            async with made.writer.database.transaction([person]) as tx:
                said, cause = tx.publish(interest), tx.cause
                advert = writer.advert(position)
                tx.publish(advert)
            await eventually("sent", lambda: waiting_to_be_sent(made.writer), lambda rows: rows == 0)

        [seen] = read_topic(kafka.bootstrap, topic_prefix + PROFILE.name)
        assert seen["key"] == str(person)
        headers = cast("dict[str, str]", seen["headers"])
        assert (
            headers
            | {
                "ce_specversion": "1.0",
                "ce_id": str(said),
                "ce_type": JobInterestSaved.type,
                "ce_source": "profile",
                "ce_subject": str(person),
                "ce_dataschema": dataschema(JobInterestSaved.type),
                "ce_correlationid": str(cause.correlation_id),
                "content-type": "application/json",
            }
            == headers
        )
        assert headers["ce_time"].endswith("+00:00")

        body = cast("dict[str, JsonValue]", seen["body"])
        sealed = cast("list[str]", body.pop("sealed"))
        assert body == {
            "subject_id": str(person),
            "interest_id": str(interest.interest_id),
            "saved_at": interest.saved_at.isoformat().replace("+00:00", "Z"),
        }

        # what the program read of the blob is what the blob says of itself; what it holds opens with the key alone
        blob = base64.urlsafe_b64decode(sealed[0])
        header = read_header(blob)
        assert cast("list[Told]", seen["blobs"]) == [
            {
                "version": VERSION,
                "subject_id": str(header.subject_id),
                "category": header.category,
                "record_id": str(header.record_id),
                "schema": header.schema,
                "sealed_bytes": len(blob) - len(header.to_bytes()) - 12,
            }
        ]
        assert header == (person, Category.USER_INFORMATION, said, JobInterestSaved.type)
        assert CANARY not in json.dumps(seen)
        assert CANARY.encode() not in blob

        [told] = read_topic(kafka.bootstrap, topic_prefix + POSITION.name)
        assert UUID(cast("str", told["key"])) == position
        assert told["blobs"] == []
        assert PositionPublished.model_validate_json(json.dumps(told["body"])) == advert
