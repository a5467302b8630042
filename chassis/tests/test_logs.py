"""Nothing about a person can be read from a log, whoever writes the line."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
from contracts.personal import Personal, UserInformation
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from chassis import logs

NAME = "Kari Nordmann-Testesen"
MAIL = "kari.testesen@example.no"


class Contact(BaseModel):
    name: Personal[str, UserInformation]


class Plain(BaseModel):
    age: int


@dataclass
class Row:
    name: str


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers, root.level
    out = io.StringIO()
    logs.configure("profile", "DEBUG", out)
    yield out
    structlog.reset_defaults()
    root.handlers, root.level = before[0], before[1]


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_event_level_service_and_time(stream: io.StringIO) -> None:
    logs.get_logger().info("relay.sent", count=3, topic="profile.v1")
    (line,) = lines(stream)
    assert line["event"] == "relay.sent"
    assert (line["count"], line["topic"], line["level"], line["service"]) == (3, "profile.v1", "info", "profile")
    assert line["time"].endswith("+00:00")


@pytest.mark.parametrize(
    "value",
    [
        Personal[str, UserInformation](NAME),
        Contact(name=Personal[str, UserInformation](NAME)),
        Row(NAME),
        NAME.encode(),
        bytearray(NAME.encode()),
        ValueError(NAME),
        [Personal[str, UserInformation](NAME)],
        {"deep": {"deeper": (Row(NAME),)}},
        {"a": {"b": {"c": {"d": {"e": NAME}}}}},
        object(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_value_but_a_plain_one_is_printed(stream: io.StringIO, value: object) -> None:
    logs.get_logger().warning("something.seen", value=value)
    assert NAME not in stream.getvalue()
    assert len(lines(stream)) == 1


def test_a_mail_address_or_password_in_a_text_is_masked(stream: io.StringIO) -> None:
    logs.get_logger().info("x", a=f"to {MAIL}!", b="postgresql://profile:hemmelig@127.0.0.1/profile")
    assert "testesen" not in stream.getvalue()
    assert "hemmelig" not in stream.getvalue()


def test_a_long_text_is_cut_without_showing_half_of_an_address(stream: io.StringIO) -> None:
    logs.get_logger().info("x", a="x" * 490 + f" {MAIL} " + "y" * 5000)
    assert "kari" not in stream.getvalue()
    assert len(lines(stream)[0]["a"]) < 520


@given(
    st.recursive(
        st.text() | st.binary() | st.none() | st.floats() | st.uuids(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_is_logged_becomes_one_printable_value(value: object) -> None:
    json.dumps(logs.safe(value))


def test_an_exception_shows_its_types_and_our_frames_and_never_its_text(stream: io.StringIO) -> None:
    try:
        try:
            Plain.model_validate({"age": NAME})
        except ValidationError as error:
            raise RuntimeError(f"no place for {NAME}") from error
    except RuntimeError:
        logs.get_logger().exception("reaction.failed")
    (line,) = lines(stream)
    assert line["error"] == ["RuntimeError", "ValidationError"]
    assert NAME not in stream.getvalue()
    assert "Traceback" not in stream.getvalue()


def test_our_own_frames_are_named_by_module_and_line(stream: io.StringIO) -> None:
    try:
        logs.configure("profile", "NO SUCH LEVEL")
    except KeyError:
        logs.get_logger().exception("x")
    assert any(frame.startswith("chassis.logs:") for frame in lines(stream)[0]["frames"])


def test_an_error_whose_text_we_wrote_is_shown(stream: io.StringIO) -> None:
    logs.get_logger().error("start.failed", exc_info=logs.SafeError("run `tillit up` first"))
    assert lines(stream)[0]["error"] == ["SafeError: run `tillit up` first"]


def test_every_error_of_a_group_is_named(stream: io.StringIO) -> None:
    group = ExceptionGroup("both", [ValueError(NAME), ConnectionRefusedError(111, NAME)])
    logs.get_logger().error("tasks.failed", exc_info=group)
    assert lines(stream)[0]["error"] == ["ExceptionGroup", "ValueError", "ConnectionRefusedError ECONNREFUSED"]
    assert NAME not in stream.getvalue()


def test_a_librarys_line_takes_the_same_way(stream: io.StringIO) -> None:
    logging.getLogger("aiokafka.cluster").warning("Unable to reach %s: %s", "broker-1", OSError(111, NAME))
    logging.getLogger("some.package").error(ValueError(NAME))
    first, second = lines(stream)
    assert first["event"] == "Unable to reach broker-1: ConnectionRefusedError ECONNREFUSED"
    assert first["logger"] == "aiokafka.cluster"
    assert second["event"] == "ValueError"
    assert NAME not in stream.getvalue()


def test_a_librarys_line_that_does_not_fit_its_arguments_tells_neither(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("profile", "DEBUG", stream)  # the only handler now: pytest's own raises on such a line
    logging.getLogger("some.package").error("%d of %d", Row(NAME))
    assert lines(stream)[0]["event"] == "log.unprintable"
    assert NAME not in stream.getvalue() + capsys.readouterr().err


async def test_a_forgotten_tasks_error_is_not_quoted(stream: io.StringIO) -> None:
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Task exception was never retrieved", "exception": ValueError(NAME), "future": Row(NAME)}
    )
    assert lines(stream)[0]["error"] == ["ValueError"]
    assert NAME not in stream.getvalue()


def test_plain_types_are_shown_as_they_are(stream: io.StringIO) -> None:
    id_ = UUID("01a20ed9-6e45-7809-a06a-9eff82aeae59")
    logs.get_logger().info("x", id=id_, path=Path("/var/lib/x"), yes=True, none=None, ratio=0.5)
    (line,) = lines(stream)
    assert (line["id"], line["path"], line["yes"], line["none"], line["ratio"]) == (
        str(id_),
        "/var/lib/x",
        True,
        None,
        0.5,
    )


def test_lines_below_the_level_are_left_out(stream: io.StringIO) -> None:
    logs.configure("profile", "WARNING", stream)
    logs.get_logger().info("quiet")
    logging.getLogger("aiokafka").info("quiet")
    assert stream.getvalue() == ""
