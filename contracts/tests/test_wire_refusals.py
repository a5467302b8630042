"""Every way in which a body can be bad, and the words for it: a field of ours and the kind of error."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from contracts.personal import Category, Personal, PersonalRecord, SubjectId, UserInformation
from contracts.privacy import PersonalDataErased
from contracts.profile import ProfileDeleted, ProfileKind, ProfileRegistered
from contracts.wire import BadBody, wire_form
from pydantic import JsonValue

SUBJECT = "0f3e2a66-3f41-4d6f-9a39-6a2a8f6f0a11"
FORM = wire_form(ProfileRegistered)
GOOD: dict[str, JsonValue] = {
    "subject_id": SUBJECT,
    "kind": "job_seeker",
    "registered_at": "2026-03-01T12:00:00Z",
    "sealed": ["YmxvYg=="],
}
PAYLOAD: dict[str, JsonValue] = {
    "name": "Kari",
    "email": "kari@example.org",
    "phone": None,
    "home_address": {"city": "Bodø"},
    "date_of_birth": "1990-05-17",
}


def refusal(change: dict[str, JsonValue], *, without: str = "") -> str:
    body = {name: value for name, value in {**GOOD, **change}.items() if name != without}
    with pytest.raises(BadBody) as refused:
        FORM.parse(json.dumps(body).encode())
    return str(refused.value)


def payload_refusal(change: dict[str, JsonValue], *, without: str = "") -> str:
    payload = {name: value for name, value in {**PAYLOAD, **change}.items() if name != without}
    body = FORM.parse(json.dumps(GOOD).encode())
    with pytest.raises(BadBody) as refused:
        FORM.join(body, {Category.USER_INFORMATION: json.dumps(payload).encode()})
    return str(refused.value)


def test_the_good_body_that_the_refusals_spoil_is_accepted() -> None:
    body = FORM.parse(json.dumps(GOOD).encode())
    event = FORM.join(body, {Category.USER_INFORMATION: json.dumps(PAYLOAD).encode()})

    assert isinstance(event, ProfileRegistered)
    assert event.kind is ProfileKind.JOB_SEEKER
    assert event.employer_id is None
    assert event.email == Personal[str, UserInformation]("kari@example.org")


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'"text"', b"12", b"{", b'{"subject_id": ', b"\xff\xfe", b"\x00", b'{"kind": "\xc3\x28"}'],
    ids=repr,
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody, match=r"^body: "):
        FORM.parse(body)


def test_a_body_nested_without_end_is_refused() -> None:
    with pytest.raises(BadBody, match=r"^body: "):
        FORM.parse(b'{"kind":' + b"[" * 100_000)


def test_an_unknown_field_as_of_a_future_schema_is_refused_without_its_name() -> None:
    assert refusal({"nickname_kari": "x"}) == "unknown field: extra_forbidden"


def test_a_missing_field_is_refused_by_name() -> None:
    assert refusal({}, without="kind") == "kind: missing"


def test_a_null_where_none_may_be_is_refused() -> None:
    assert refusal({"subject_id": None}) == "subject_id: uuid_type"


def test_a_text_that_is_no_uuid_is_refused() -> None:
    assert refusal({"subject_id": "kari"}) == "subject_id: uuid_parsing"


def test_a_value_that_is_not_listed_is_refused() -> None:
    assert refusal({"kind": "astronaut"}) == "kind: enum"


def test_a_time_without_a_zone_is_refused() -> None:
    assert refusal({"registered_at": "2026-03-01T12:00:00"}) == "registered_at: timezone_aware"


def test_a_number_is_no_time() -> None:
    assert refusal({"registered_at": 1_772_366_400}) == "registered_at: datetime_type"


def test_a_text_is_no_number() -> None:
    body = {
        "subject_id": SUBJECT,
        "erasure_id": SUBJECT,
        "nonce": "n",
        "holder": "profile",
        "rows": {"people": "12"},
        "erased_at": "2026-03-01T12:00:00Z",
        "signature": "s",
    }
    with pytest.raises(BadBody, match=r"^rows: int_type$"):
        wire_form(PersonalDataErased).parse(json.dumps(body).encode())


@pytest.mark.parametrize("sealed", [[], ["YQ==", "YQ=="]], ids=["none", "one too many"])
def test_a_wrong_number_of_blobs_is_refused(sealed: list[JsonValue]) -> None:
    assert refusal({"sealed": sealed}) == "sealed: wrong number of blobs"


def test_a_blob_on_an_event_that_seals_nothing_is_refused() -> None:
    body = {"subject_id": SUBJECT, "reason": "requested", "deleted_at": "2026-03-01T12:00:00Z", "sealed": ["YQ=="]}
    with pytest.raises(BadBody, match=r"^unknown field: extra_forbidden$"):
        wire_form(ProfileDeleted).parse(json.dumps(body).encode())


@pytest.mark.parametrize("blob", ["a", "YQ", "Y!==", "blåbær", "YQ==\n"], ids=repr)
def test_a_blob_that_is_not_base64url_is_refused(blob: str) -> None:
    assert refusal({"sealed": [blob]}) == "sealed: not base64url"


@pytest.mark.parametrize("sealed", [None, "YQ==", {"user_information": "YQ=="}], ids=repr)
def test_sealed_that_is_no_list_is_refused(sealed: JsonValue) -> None:
    assert refusal({"sealed": sealed}) == "sealed: list_type"


def test_a_personal_field_in_the_clear_is_refused() -> None:
    assert refusal({"email": "kari@example.org"}) == "unknown field: extra_forbidden"


def test_a_payload_with_an_unknown_field_is_refused_without_its_name() -> None:
    assert payload_refusal({"kari_nickname": "x"}) == "sealed user_information: unknown field: extra_forbidden"


def test_a_payload_without_a_field_is_refused_by_name() -> None:
    assert payload_refusal({}, without="phone") == "sealed user_information: phone: missing"


def test_a_payload_of_wrong_types_is_refused_within_a_nested_model_too() -> None:
    assert payload_refusal({"name": 12}) == "sealed user_information: name: string_type"
    assert payload_refusal({"home_address": {"city": 12}}) == "sealed user_information: home_address: string_type"


def test_a_payload_that_is_no_json_is_refused() -> None:
    body = FORM.parse(json.dumps(GOOD).encode())
    with pytest.raises(BadBody, match=r"^sealed user_information: body: json_invalid$"):
        FORM.join(body, {Category.USER_INFORMATION: b"kari@example.org"})


def test_many_errors_are_told_in_part_only() -> None:
    assert refusal(dict.fromkeys("abcdefghij")).count(";") == 4


def test_a_personal_field_that_may_be_missing_is_written_with_its_type_inside() -> None:
    class Wrong(PersonalRecord):
        email: Personal[str, UserInformation] | None

    with pytest.raises(TypeError, match="absence is personal data too"):
        wire_form(Wrong)


def test_a_payload_from_before_a_personal_field_was_added_reads_with_its_default() -> None:
    class Grown(PersonalRecord):
        name: Personal[str, UserInformation]
        pronoun: Personal[str | None, UserInformation] = Personal[Any, Any](None)

    form = wire_form(Grown)
    old = form.parse(b'{"sealed": ["YQ=="]}')

    read = form.join(old, {Category.USER_INFORMATION: b'{"name": "Kari"}'})

    assert read == Grown(name=Personal("Kari"), pronoun=Personal(None))
    assert form.payload(Grown(name=Personal("Kari")), Category.USER_INFORMATION) == b'{"name":"Kari","pronoun":null}'


def test_an_event_is_refused_in_code_without_its_values_in_the_text() -> None:
    with pytest.raises(ValueError, match="email") as refused:
        ProfileRegistered(
            subject_id=SubjectId(UUID(SUBJECT)),
            kind=ProfileKind.JOB_SEEKER,
            registered_at=datetime(2026, 3, 1, tzinfo=UTC),
            name=Personal("Kari"),
            email=["kari@example.org"],  # pyright: ignore[reportArgumentType]
            phone=Personal(None),
            home_address=Personal(None),
            date_of_birth=Personal(None),
        )
    assert "kari@" not in str(refused.value) + repr(refused.value)
