"""A body that a later reader would choke on, or read differently, never reaches a service."""

import json
from contextlib import suppress
from typing import Any

import pytest
from chassis.clock import monotonic
from chassis.json_bodies import RequestBody, check_json
from chassis.problems import Problem
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

_SAFE_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _SAFE_TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_SAFE_TEXT, inner, max_size=5),
    max_leaves=20,
)


def refused(body: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        check_json(body)
    return caught.value


@given(_JSON)
def test_every_plain_json_value_passes(value: Any) -> None:
    check_json(json.dumps(value).encode())
    check_json(json.dumps(value, ensure_ascii=False).encode())


@given(st.binary(max_size=200))
def test_any_bytes_pass_or_are_refused_with_a_problem(body: bytes) -> None:
    with suppress(Problem):
        check_json(body)
        json.loads(body)


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        (b"{", "malformed-json"),
        (b"{'a': 1}", "malformed-json"),
        (b'{"a": 1,}', "malformed-json"),
        (b'{"a": 1} {"a": 2}', "malformed-json"),
        (b'{"a": NaN}', "malformed-json"),
        (b'{"a": -Infinity}', "malformed-json"),
        (b'{"a": 1e999}', "malformed-json"),
        (b'{"a": 9223372036854775808}', "malformed-json"),
        (b'{"a": ' + b"9" * 100_000 + b"}", "malformed-json"),
        (b'{"a": 0.' + b"1" * 100_000 + b"}", "malformed-json"),
        (b'{"role": "reader", "role": "admin"}', "malformed-json"),
        (b'{"a": {"b": 1, "\\u0062": 2}}', "malformed-json"),
        (b'"line\nbreak"', "malformed-json"),
        (b"\xef\xbb\xbf{}", "malformed-json"),
        (b"[" * 100_000, "malformed-json"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "malformed-json"),
        (b'{"a": "\xff"}', "invalid-encoding"),
        ('{"a": "ø"}'.encode("latin-1"), "invalid-encoding"),
        ('{"a": "ø"}'.encode("utf-16"), "invalid-encoding"),
        (b'{"a": "\xed\xa0\x80"}', "invalid-encoding"),
        (b'{"a": "\xc0\x80"}', "invalid-encoding"),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_what_is_not_json_to_everyone_is_refused_as_malformed(body: bytes, slug: str) -> None:
    problem = refused(body)
    assert (problem.status, problem.slug) == (400, slug)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"name": "a\\u0000b"}', "/body/name"),
        (b'{"name": "\\ud800"}', "/body/name"),
        (b'{"name": "\\udc00\\ud800"}', "/body/name"),
        (b'{"list": [{"name": "x"}, {"name": "\\u0000"}]}', "/body/list/1/name"),
        (b'"\\u0000"', "/body"),
        (b'{"a\\u0000": 1}', "/body"),
    ],
)
def test_a_character_no_text_column_holds_is_pointed_at(body: bytes, pointer: str) -> None:
    problem = refused(body)
    assert problem.status == 422
    assert [error["pointer"] for error in json.loads(json.dumps(problem.extensions["errors"]))] == [pointer]


def test_a_whole_surrogate_pair_is_a_character_like_any_other() -> None:
    check_json(b'{"name": "\\ud83d\\ude00"}')


def test_brackets_inside_strings_are_not_nesting() -> None:
    check_json(json.dumps({"a": "[" * 1000, "b": '\\"{[' * 1000}).encode())


@pytest.mark.parametrize(
    "body", [b'"' + b'\\"' * 500_000, b'"' + b"\\" * 1_000_000, b'["' * 500_000, b'{"' + b"a" * 1_000_000]
)
def test_a_hostile_megabyte_costs_linear_time(body: bytes) -> None:
    began = monotonic()
    refused(body)
    assert monotonic() - began < 2


def test_a_request_body_refuses_members_it_does_not_know() -> None:
    class Interest(RequestBody):
        occupation: str

    with pytest.raises(ValidationError) as caught:
        Interest.model_validate({"occupation": "kokk", "secret": "hemmelig"})
    assert "hemmelig" not in str(caught.value)
