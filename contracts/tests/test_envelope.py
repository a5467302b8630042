"""The envelope survives the wire; every bad header is refused by name and never by value."""

import traceback
from datetime import datetime, timedelta, timezone
from uuid import UUID, uuid4

import jsonschema_rs
import pytest
from contracts.envelope import BadEnvelope, Envelope, read_envelope
from contracts.envelope_schema import envelope_schema
from contracts.personal import SubjectId
from contracts.registry import EVENT_BY_TYPE
from contracts.wire_schema import json_object
from hypothesis import given
from hypothesis import strategies as st

Headers = list[tuple[str, bytes | None]]

OFFSETS = [timezone(timedelta(minutes=minutes)) for minutes in (-570, 0, 60, 330)]
NAMES = st.from_regex(r"[a-z0-9][a-z0-9.\-]{0,99}", fullmatch=True)
ENVELOPES = st.builds(
    Envelope,
    id=st.uuids(),
    type=NAMES,
    source=NAMES,
    time=st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.sampled_from(OFFSETS)),  # noqa: DTZ001
    subjects=st.frozensets(st.uuids(), max_size=3).map(lambda found: tuple(SubjectId(one) for one in sorted(found))),
    correlation_id=st.uuids(),
    causation_id=st.none() | st.uuids(),
    commitment=st.binary(min_size=32, max_size=32),
    sealed_salt=st.binary(min_size=1, max_size=90),
    traceparent=st.none() | st.from_regex(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", fullmatch=True),
)
GOOD: Headers = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"01956b1e-0000-7000-8000-000000000001"),
    ("ce_type", b"profile.deleted.v1"),
    ("ce_source", b"profile"),
    ("ce_time", b"2026-03-01T12:00:00+00:00"),
    ("ce_correlationid", b"01956b1e-0000-7000-8000-000000000001"),
    ("ce_commitment", b"YQ=="),
    ("ce_salt", b"Yg=="),
    ("ce_subject", b"0f3e2a66-3f41-4d6f-9a39-6a2a8f6f0a11"),
]
REQUIRED = [name for name, _ in GOOD if name != "ce_subject"]


def with_header(name: str, value: bytes | None) -> Headers:
    return [*((known, old) for known, old in GOOD if known != name), (name, value)]


def refusal(headers: Headers) -> str:
    with pytest.raises(BadEnvelope) as refused:
        read_envelope(headers)
    return str(refused.value)


@given(envelope=ENVELOPES)
def test_an_envelope_read_from_its_headers_equals_the_one_written(envelope: Envelope) -> None:
    assert read_envelope(envelope.headers()) == envelope


@given(envelope=ENVELOPES)
def test_written_headers_satisfy_the_committed_schema(envelope: Envelope) -> None:
    headers = {name: value.decode() for name, value in envelope.headers()}

    jsonschema_rs.Draft202012Validator(envelope_schema(), validate_formats=True).validate(headers)
    assert headers.keys() <= json_object(envelope_schema()["properties"]).keys()


def test_no_header_says_more_of_a_person_than_the_random_id() -> None:
    described = set(json_object(envelope_schema()["properties"]))

    assert {name for name in described if "subject" in name} == {"ce_subject", "ce_subjects"}


def test_the_order_of_headers_does_not_matter() -> None:
    assert read_envelope(reversed(GOOD)) == read_envelope(GOOD)


def test_headers_of_others_are_ignored_whatever_they_hold() -> None:
    others: Headers = [("x", None), ("x", b"\xff"), ("b3", "æ".encode()), ("kafka_æ", b"")]

    assert read_envelope([*others, *GOOD]) == read_envelope(GOOD)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_header_is_refused_by_name(name: str) -> None:
    assert name in refusal([header for header in GOOD if header[0] != name])


@pytest.mark.parametrize("name", [name for name, _ in GOOD])
def test_a_null_header_is_refused(name: str) -> None:
    assert refusal(with_header(name, None)) == "a CloudEvents header is null"


@pytest.mark.parametrize("name", [name for name, _ in GOOD])
def test_a_header_that_stands_twice_is_refused(name: str) -> None:
    assert refusal([*GOOD, *(header for header in GOOD if header[0] == name)]) == "a CloudEvents header stands twice"


@pytest.mark.parametrize("name", [name for name, _ in GOOD])
def test_a_header_that_is_not_ascii_is_refused_by_name(name: str) -> None:
    assert name in refusal(with_header(name, "blåbær".encode()))


@pytest.mark.parametrize("name", [name for name, _ in GOOD])
def test_a_header_that_is_not_even_utf8_is_refused_by_name(name: str) -> None:
    assert name in refusal(with_header(name, b"\xff\xfe\x00"))


@pytest.mark.parametrize("name", REQUIRED)
def test_an_empty_header_is_refused_by_name(name: str) -> None:
    assert name in refusal(with_header(name, b""))


def test_another_version_of_cloudevents_is_refused() -> None:
    assert refusal(with_header("ce_specversion", b"2.0")) == "header ce_specversion is missing or not 1.0"


@pytest.mark.parametrize("name", ["ce_id", "ce_correlationid", "ce_causationid", "ce_subject"])
def test_an_id_that_is_no_uuid_is_refused_by_name(name: str) -> None:
    assert refusal(with_header(name, b"kari@example.org")) == f"header {name} is missing or not a UUID"


@pytest.mark.parametrize("name", ["ce_type", "ce_source"])
@pytest.mark.parametrize("value", [b"Profile", b"a b", b"../etc", b"a\n", b"a" * 101], ids=repr)
def test_a_name_of_other_letters_or_too_long_is_refused(name: str, value: bytes) -> None:
    assert refusal(with_header(name, value)) == f"header {name} is not a name"


def test_a_time_that_is_none_is_refused() -> None:
    assert refusal(with_header("ce_time", b"yesterday")) == "header ce_time is not a time"


def test_a_time_without_a_zone_is_refused() -> None:
    assert refusal(with_header("ce_time", b"2026-03-01T12:00:00")) == "header ce_time has no time zone"


@pytest.mark.parametrize("name", ["ce_commitment", "ce_salt"])
@pytest.mark.parametrize("value", [b"a", b"YQ", b"Y!==", b"YQ==\n"], ids=repr)
def test_bytes_that_are_not_base64url_are_refused(name: str, value: bytes) -> None:
    assert refusal(with_header(name, value)) == f"header {name} is not base64url"


@pytest.mark.parametrize("value", [b"", b",", b"kari", b"0f3e2a66-3f41-4d6f-9a39-6a2a8f6f0a11,"], ids=repr)
def test_a_list_of_subjects_that_holds_no_uuid_is_refused(value: bytes) -> None:
    assert refusal([*GOOD, ("ce_subjects", value)]) == "header ce_subjects is not a list of UUIDs"


@pytest.mark.parametrize("value", [b"hello", b"\xff", b"", None, b"01-" + b"0" * 32], ids=repr)
def test_a_bad_trace_context_is_dropped_and_nothing_else(value: bytes | None) -> None:
    assert read_envelope([*GOOD, ("traceparent", value)]) == read_envelope(GOOD)


def test_a_trace_context_that_stands_twice_is_no_reason_to_refuse_an_event() -> None:
    first = b"00-" + b"1" * 32 + b"-" + b"1" * 16 + b"-01"

    assert read_envelope([*GOOD, ("traceparent", first), ("traceparent", b"x")]).traceparent == first.decode()


def test_an_event_type_of_the_future_is_read_and_known_as_unknown() -> None:
    envelope = read_envelope(with_header("ce_type", b"profile.deleted.v99"))

    assert envelope.type not in EVENT_BY_TYPE


def test_several_subjects_are_read_once_each_and_sorted() -> None:
    ids = sorted(UUID(int=number) for number in (3, 1, 2))
    listed = ",".join(str(one) for one in (*reversed(ids), ids[0])).encode()
    headers: Headers = [header for header in GOOD if header[0] != "ce_subject"]

    assert read_envelope([*headers, ("ce_subjects", listed)]).subjects == tuple(ids)


@given(name=st.sampled_from([name for name, _ in GOOD]), before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_the_refusal_of_an_envelope_never_repeats_a_value(name: str, before: bytes, after: bytes) -> None:
    marker = f"zq{uuid4().hex}"

    assert marker not in told_of(with_header(name, before + marker.encode() + after))


def told_of(headers: Headers) -> str:
    """All that a log could say of the refusal; empty when the headers were accepted."""
    try:
        read_envelope(headers)
    except BadEnvelope as error:
        return "".join(traceback.format_exception(error)) + repr(error)
    return ""
