"""People in JSON Resume 1.x are read; whatever else is refused by index and reason, without telling anyone's data."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue
from tillit_cli import samples
from tillit_cli.import_file import Parsed, ReadItem, Rejected
from tillit_cli.json_resume import Resume, ResumeDocument, people_of, read_people

TODAY = date(2026, 11, 24)


def person(**sections: JsonValue) -> dict[str, JsonValue]:
    basics: JsonValue = {"name": "Prøve Prøvesen", "email": "prove@example.org"}
    return {"basics": basics, **sections}


def only(document: JsonValue) -> ReadItem[Resume]:
    (item,) = people_of(document, today=TODAY)
    return item


def parsed(item: JsonValue) -> Resume:
    read = only(item)
    assert isinstance(read, Parsed), read
    return read.value


def refused(item: JsonValue) -> str:
    read = only(item)
    assert isinstance(read, Rejected), read
    return read.reason


def born(day: JsonValue) -> dict[str, JsonValue]:
    return person(meta={"tillit": {"birthDate": day}})


def test_the_sample_set_is_read_without_a_fault() -> None:
    read = list(read_people(samples.PEOPLE, today=TODAY))
    people = [item.value for item in read if isinstance(item, Parsed)]
    assert len(people) == len(read) >= 25
    assert all(one.birth_date is not None and one.address is not None and one.job_interests for one in people)


def test_sample_people_are_told_apart_by_name_mail_phone_and_birth_date() -> None:
    people = [item.value for item in read_people(samples.PEOPLE, today=TODAY) if isinstance(item, Parsed)]
    for told in (
        [one.name for one in people],
        [one.email for one in people],
        [one.phone for one in people if one.phone is not None],
        [str(one.birth_date) for one in people],
    ):
        assert len(set(told)) == len(told)


def test_sample_people_can_be_reached_nowhere() -> None:
    for item in read_people(samples.PEOPLE, today=TODAY):
        assert isinstance(item, Parsed)
        assert item.value.email.rpartition("@")[2] in ("example.org", "example.com")
        assert item.value.phone is None or item.value.phone.startswith("+470000")


def test_the_faulty_set_is_refused_item_by_item_and_its_good_items_go_in() -> None:
    read = list(read_people(samples.PEOPLE_WITH_ERRORS, today=TODAY))
    assert {item.index: item.reason for item in read if isinstance(item, Rejected)} == {
        1: "basics.email: is not an e-mail address",
        2: "basics.name: is missing",
        3: "meta.tillit.birthDate: is not a date: YYYY-MM-DD",
        4: "meta.tillit.birthDate: is in the future or too long ago",
        5: "meta.tillit.birthDate: is not a date: YYYY-MM-DD",
        6: "basics.email: the same as in item 0",
        7: "work[0].startDate: is not a date: YYYY, YYYY-MM or YYYY-MM-DD",
        8: "work[0]: endDate is before startDate",
        9: "must be an object",
        10: "must be an object",
        11: "meta.tillit.jobInterests[0].occupation: is missing",
        12: "basics.phone: is not a phone number",
        13: "skills: must be a list",
        15: "basics: is missing",
        16: "basics.name: holds a control character or half a character",
        17: "basics.email: is empty; meta.tillit.jobInterests: must be a list",
        18: "work[0].highlights[0]: must be text",
    }
    assert [item.index for item in read if isinstance(item, Parsed)] == [0, 14, 19]


def test_a_file_that_is_no_json_is_one_rejection(tmp_path: Path) -> None:
    path = tmp_path / "people.json"
    path.write_bytes(b"\xff")
    assert list(read_people(path, today=TODAY)) == [
        Rejected(None, "line 1: byte 0 is not UTF-8: save the file as UTF-8")
    ]


def test_name_and_mail_are_enough() -> None:
    one = parsed(person())
    assert (one.phone, one.birth_date, one.address, one.job_interests) == (None, None, None, ())
    assert one.resume == ResumeDocument()


def test_empty_texts_and_nulls_mean_not_told() -> None:
    one = parsed(person(work=[{"name": "", "endDate": "", "highlights": None}], skills=None))
    assert one.resume.work[0].end_date is None
    assert one.resume.skills == ()


@pytest.mark.parametrize("told", ["2020", "2020-05", "2020-02-29"])
def test_a_date_may_be_as_inexact_as_its_author_knows(told: str) -> None:
    assert parsed(person(work=[{"startDate": told}])).resume.work[0].start_date == told


@pytest.mark.parametrize("told", ["2021-02-29", "2020-13", "20", "2020-5", "Present", "0000", "２０２０", 2020])
def test_a_date_that_is_none_is_refused(told: JsonValue) -> None:
    assert refused(person(education=[{"startDate": told}])).startswith("education[0].startDate: ")


def test_periods_of_unequal_exactness_are_compared_as_far_as_both_go() -> None:
    assert parsed(person(work=[{"startDate": "2020-05", "endDate": "2020"}])).resume.work
    assert refused(person(work=[{"startDate": "2020-05", "endDate": "2020-04-30"}])).startswith("work[0]: ")


@pytest.mark.parametrize("day", ["2026-11-24", "2026-11-25", "1899-01-01", "1905-12-31", "1990-02-30", "1990-02", 1990])
def test_an_impossible_birth_date_is_refused(day: JsonValue) -> None:
    assert refused(born(day)).startswith("meta.tillit.birthDate: ")


def test_a_leap_day_is_a_birth_date() -> None:
    assert parsed(born("1996-02-29")).birth_date == date(1996, 2, 29)


@pytest.mark.parametrize("mail", ["a@", "a b@example.org", "a@localhost", "a@example..org", "a@example.org\nBcc: b", 3])
def test_what_is_no_mail_address_is_refused(mail: JsonValue) -> None:
    assert refused({"basics": {"name": "Prøve", "email": mail}}).startswith("basics.email: ")


def test_a_mail_address_is_accepted_once_whatever_its_case_and_only_good_items_take_it() -> None:
    def with_mail(mail: str, name: JsonValue = "Prøve") -> JsonValue:
        return {"basics": {"name": name, "email": mail}}

    read = list(
        people_of([with_mail("a@example.org", 7), with_mail("a@example.org"), with_mail("A@EXAMPLE.org")], today=TODAY)
    )
    assert isinstance(read[0], Rejected)
    assert isinstance(read[1], Parsed)
    assert read[2] == Rejected(2, "basics.email: the same as in item 1")


def test_interests_that_match_the_same_positions_are_kept_once() -> None:
    interests: JsonValue = [
        {"occupation": "Kokk", "place": "Oslo"},
        {"occupation": "kokk ", "place": "OSLO"},
        {"occupation": "Kokk", "place": ""},
    ]
    kept = parsed(person(meta={"tillit": {"jobInterests": interests}})).job_interests
    assert [interest.key() for interest in kept] == [("kokk", "oslo"), ("kokk", None)]


def test_every_sample_resume_survives_being_written_and_read_again() -> None:
    for item in read_people(samples.PEOPLE, today=TODAY):
        assert isinstance(item, Parsed)
        assert ResumeDocument.model_validate_json(item.value.resume.as_json()) == item.value.resume


def test_a_written_resume_has_the_field_names_of_json_resume_and_not_who_the_person_is() -> None:
    written = parsed(person(work=[{"name": "Prøvekjøkkenet", "startDate": "2020"}])).resume.as_json()
    assert '"startDate":"2020"' in written
    assert "Prøvesen" not in written
    assert "prove@example.org" not in written


def test_what_the_reader_has_no_use_for_is_counted_and_left() -> None:
    item = only(person(references=[{"name": "Noen Annen"}], hobbyer=["sjakk"]))
    assert isinstance(item, Parsed)
    assert item.ignored_fields == 2
    assert "Noen Annen" not in item.value.resume.as_json()


def test_a_parsed_person_prints_nothing_of_themselves() -> None:
    item = only(person(work=[{"name": "Prøvekjøkkenet"}]))
    assert isinstance(item, Parsed)
    assert f"{item!r}{item}{item.value.resume}" == "Parsed(index=0, value=Resume(), ignored_fields=0)" * 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=15,
)
SECTIONS = st.sampled_from(["basics", "work", "education", "certificates", "skills", "languages", "meta", "volunteer"])
INNER = st.sampled_from(["name", "email", "phone", "startDate", "endDate", "keywords", "tillit", "date", "location"])


@given(JSON)
def test_any_json_gives_items_or_rejections_and_never_an_exception(document: JsonValue) -> None:
    assert all(isinstance(item, Parsed | Rejected) for item in people_of(document, today=TODAY))


@given(st.dictionaries(SECTIONS, JSON | st.lists(st.dictionaries(INNER, JSON), max_size=2), max_size=3))
def test_a_good_person_with_any_json_in_their_sections_is_read_or_refused(sections: dict[str, JsonValue]) -> None:
    item = only(person() | sections)
    assert isinstance(item, Rejected) or item.value.name


@given(st.text(min_size=12), st.sampled_from(["name", "email", "phone", "location", "summary"]))
def test_a_reason_never_tells_the_value(secret: str, field: str) -> None:
    basics: JsonValue = {"name": "Prøve", "email": "prove@example.org", field: [f"§{secret}§"]}
    assert f"§{secret}§" not in refused({"basics": basics})
    item = only({"basics": {"name": "Prøve", "email": "prove@example.org", field: f"§{secret}§"}})
    assert isinstance(item, Parsed) or f"§{secret}§" not in item.reason
