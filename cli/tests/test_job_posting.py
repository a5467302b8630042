"""Adverts of schema.org in all its spellings are read; whatever else is refused by index and reason."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue
from tillit_cli import samples
from tillit_cli.import_file import Parsed, ReadItem, Rejected
from tillit_cli.job_posting import JobPosting, normalised, positions_of, read_positions
from tillit_cli.json_resume import read_people

TODAY = date(2026, 11, 24)


def advert(**changes: JsonValue) -> dict[str, JsonValue]:
    fields: dict[str, JsonValue] = {
        "@context": "https://schema.org",
        "@type": "JobPosting",
        "title": "Kokk",
        "description": "<p>Vi søker kokk.</p>",
        "datePosted": "2026-11-01",
        "hiringOrganization": {"@type": "Organization", "name": "Hotell Utsyn AS", "identifier": "310000094"},
        "jobLocation": {"@type": "Place", "address": {"@type": "PostalAddress", "addressLocality": "Kristiansand"}},
        "occupationalCategory": "Kokk",
    }
    return fields | {name.replace("at_", "@"): value for name, value in changes.items()}


def only(document: JsonValue) -> ReadItem[JobPosting]:
    (item,) = positions_of(document)
    return item


def parsed(**changes: JsonValue) -> JobPosting:
    item = only(advert(**changes))
    assert isinstance(item, Parsed), item
    return item.value


def refused(**changes: JsonValue) -> str:
    item = only(advert(**changes))
    assert isinstance(item, Rejected), item
    return item.reason


def test_the_sample_set_is_read_without_a_fault() -> None:
    read = list(read_positions(samples.POSITIONS))
    assert len(read) >= 30
    assert [item for item in read if isinstance(item, Rejected)] == []


def test_most_sample_adverts_reach_one_to_eight_sample_people_and_some_reach_none() -> None:
    wanted = [
        {interest.key() for interest in item.value.job_interests}
        for item in read_people(samples.PEOPLE, today=TODAY)
        if isinstance(item, Parsed)
    ]
    reached = [
        sum(
            (occupation, None) in interests or (occupation, normalised(item.value.place)) in interests
            for interests in wanted
        )
        for item in read_positions(samples.POSITIONS)
        if isinstance(item, Parsed) and (occupation := normalised(item.value.occupation))
    ]
    assert 0 < reached.count(0) <= 6
    assert max(reached) <= 8


def test_several_sample_employers_have_several_adverts_and_one_number_each() -> None:
    read = [item.value for item in read_positions(samples.POSITIONS) if isinstance(item, Parsed)]
    adverts = Counter(posting.employer_orgnr for posting in read)
    assert sum(count >= 3 for count in adverts.values()) >= 4
    assert len({(posting.employer_orgnr, posting.employer_name) for posting in read}) == len(adverts)


def test_the_faulty_set_is_refused_item_by_item_and_its_good_items_go_in() -> None:
    read = list(read_positions(samples.POSITIONS_WITH_ERRORS))
    assert {item.index: item.reason for item in read if isinstance(item, Rejected)} == {
        1: "title: is missing",
        2: "datePosted: is not a date: YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+hh:mm",
        3: "validThrough: is before datePosted",
        4: "hiringOrganization.identifier: is not an organisation number: nine digits with a right check digit",
        5: "must be an object",
        6: "@type: is not JobPosting",
        7: "jobLocation: is missing",
        8: "occupationalCategory: has a code and no label",
        9: "description: is empty",
        10: "applicationContact[0].email: is not an e-mail address; "
        "applicationContact[0].telephone: is not a phone number",
        11: "an object names the same field twice",
        12: "title: holds a control character or half a character",
        13: "baseSalary.value.value: is not an amount",
        15: "datePosted: must be a date in text; hiringOrganization: is missing; directApply: must be true or false",
        16: "hiringOrganization.identifier: is missing",
        17: "title: is empty",
        18: "must be an object",
        19: "title: is too long",
    }
    assert [item.index for item in read if isinstance(item, Parsed)] == [0, 14]


def test_a_file_that_is_no_json_is_one_rejection(tmp_path: Path) -> None:
    path = tmp_path / "positions.jsonld"
    path.write_text('[{"title": "Kokk"')
    assert list(read_positions(path)) == [Rejected(None, "line 1, column 18: not JSON: Expecting ',' delimiter")]


def test_a_list_a_graph_and_a_single_advert_are_all_read() -> None:
    one = only(advert())
    assert list(positions_of([advert()])) == [one]
    assert list(positions_of({"@context": "https://schema.org", "@graph": [advert()]})) == [one]


def test_a_graph_that_is_given_twice_is_refused_whole_instead_of_losing_half_of_it(tmp_path: Path) -> None:
    path = tmp_path / "positions.jsonld"
    path.write_text(f'{{"@graph": [{json.dumps(advert())}], "@graph": []}}')
    assert list(read_positions(path)) == [Rejected(None, "the document names the same field twice")]


def test_a_graph_may_tell_the_employer_once_and_refer_to_it() -> None:
    employer: JsonValue = {"@id": "#e", "@type": "Organization", "name": "Hotell Utsyn AS", "taxID": "310000094"}
    stray: JsonValue = {"@id": "#x", "@type": "Event"}
    graph: JsonValue = [employer, advert(hiringOrganization={"@id": "#e"}), stray]
    first, second = positions_of({"@graph": graph})
    assert isinstance(first, Parsed)
    assert (first.index, first.value.employer_orgnr) == (1, "310000094")
    assert second == Rejected(2, "@type: is not JobPosting")


def test_references_that_go_in_circles_end() -> None:
    loop: JsonValue = {"@id": "#e", "@type": "Organization", "name": {"@id": "#e"}}
    read = list(positions_of({"@graph": [loop, advert(hiringOrganization={"@id": "#e"})]}))
    assert [type(item) for item in read] == [Rejected]


@pytest.mark.parametrize(
    "kind", ["JobPosting", ["Thing", "JobPosting"], "https://schema.org/JobPosting", "schema:JobPosting"]
)
def test_the_type_may_be_a_text_a_list_or_an_address(kind: JsonValue) -> None:
    assert parsed(at_type=kind).title == "Kokk"


@pytest.mark.parametrize("kind", ["Person", [], 7, None, {"JobPosting": 1}])
def test_another_type_is_refused(kind: JsonValue) -> None:
    assert refused(at_type=kind) == "@type: is not JobPosting"


@pytest.mark.parametrize(
    "category",
    [
        " Kokk ",
        ["Kokk", "Mat"],
        ["5120", "Kokk"],
        "5120 Kokk",
        {"@type": "DefinedTerm", "name": "Kokk", "termCode": "5120"},
        [{"@type": "CategoryCode", "codeValue": "5120", "name": "Kokk"}],
    ],
)
def test_the_occupation_is_the_first_label_however_it_is_written(category: JsonValue) -> None:
    assert parsed(occupationalCategory=category).occupation == "Kokk"


def test_the_first_of_several_places_is_the_place_and_the_others_are_kept() -> None:
    places: JsonValue = [{"address": {"addressLocality": name, "postalCode": "0150"}} for name in ("Oslo", "Hamar")]
    posting = parsed(jobLocation=places)
    assert (posting.place, posting.other_places, posting.postal_code) == ("Oslo", ("Hamar",), "0150")


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("2026-07-01", datetime(2026, 6, 30, 22, tzinfo=UTC)),
        ("2026-11-01T08:00", datetime(2026, 11, 1, 7, tzinfo=UTC)),
        ("2026-11-01T08:00:00Z", datetime(2026, 11, 1, 8, tzinfo=UTC)),
        ("2026-11-01T08:00:00-05:00", datetime(2026, 11, 1, 13, tzinfo=UTC)),
    ],
)
def test_a_date_without_a_zone_is_a_date_in_oslo(told: str, meant: datetime) -> None:
    assert parsed(datePosted=told).published_at == meant


def test_a_last_day_without_a_time_lasts_until_its_end() -> None:
    assert parsed(validThrough="2026-12-01").expires_at == datetime(2026, 12, 1, 23, tzinfo=UTC)
    assert parsed(datePosted="2026-11-01", validThrough="2026-11-01").expires_at is not None


@pytest.mark.parametrize("told", ["0001-01-01", "9999-12-31T23:59:59-23:00", "2026-02-30", "1793491200", 0, {}, ""])
def test_an_impossible_date_is_refused(told: JsonValue) -> None:
    assert refused(datePosted=told).startswith("datePosted: ")


@pytest.mark.parametrize(
    "identifier", ["310 000 094", 310000094, "NO310000094MVA", "0192:310000094", {"value": "310000094"}, ["310000094"]]
)
def test_an_organisation_number_is_recognised_in_its_usual_spellings(identifier: JsonValue) -> None:
    assert (
        parsed(hiringOrganization={"name": "Hotell Utsyn AS", "identifier": identifier}).employer_orgnr == "310000094"
    )


def test_what_could_run_in_a_browser_is_removed_with_its_content() -> None:
    html = (
        "<p onclick='a()'>Trygt</p><script>b()</script><style>c{}</style><iframe src='d'>e</iframe>"
        "<a href='javascript:f()'>g</a><a href='https://example.org/'>h</a><img src=x onerror=i()>"
        "<svg onload=j()><text>k</text></svg>"
    )
    assert parsed(description=html).description_html == (
        '<p>Trygt</p><a rel="noopener noreferrer">g</a><a href="https://example.org/" rel="noopener noreferrer">h</a>'
    )


def test_a_description_that_was_escaped_once_is_unescaped_before_it_is_cleaned() -> None:
    escaped = "&lt;p&gt;Kokk&lt;/p&gt;&lt;script&gt;a()&lt;/script&gt;"
    assert parsed(description=escaped).description_html == "<p>Kokk</p>"


def test_a_description_beyond_the_bound_is_refused() -> None:
    assert refused(description="x" * 50_001) == "description: is too long"


def test_unknown_fields_are_counted_and_left() -> None:
    item = only(advert(inLanguage="nb", vinterferie=[1], at_id="#1"))
    assert isinstance(item, Parsed)
    assert item.ignored_fields == 2


def test_a_line_break_in_a_title_becomes_a_space_because_titles_stand_in_mail_headers() -> None:
    assert parsed(title="Kokk\r\nBcc: noen").title == "Kokk Bcc: noen"


def test_salary_and_contact_are_read_with_their_types() -> None:
    posting = parsed(
        baseSalary={"currency": "NOK", "value": {"minValue": 400000, "maxValue": "450000.50", "unitText": "YEAR"}},
        applicationContact={"name": "Prøve", "email": "prove@example.org", "telephone": "00 00 10 01"},
    )
    assert posting.salary is not None
    assert (posting.salary.minimum, posting.salary.maximum) == (Decimal(400000), Decimal("450000.50"))
    assert posting.contacts[0].phone == "+4700001001"


def test_an_advert_published_anew_has_as_long_to_apply_as_before() -> None:
    old = parsed(validThrough="2026-12-01T12:00:00")
    assert old.expires_at is not None
    new = old.published_anew(datetime(2030, 1, 1, tzinfo=UTC))
    assert new.expires_at == datetime(2030, 1, 1, tzinfo=UTC) + (old.expires_at - old.published_at)
    assert new.published_at - old.published_at > timedelta(days=1000)


def test_a_parsed_advert_does_not_print_its_contacts() -> None:
    item = only(advert(applicationContact={"name": "Kari Hemmelig", "email": "kari@example.org"}))
    assert "Hemmelig" not in f"{item!r} {item}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=15,
)
FIELDS = st.sampled_from([*advert(), "validThrough", "employmentType", "identifier", "industry", "applicationContact"])
INNER = st.sampled_from(["@value", "@id", "name", "value", "identifier", "address", "email", "telephone", "currency"])


@given(JSON)
def test_any_json_gives_items_or_rejections_and_never_an_exception(document: JsonValue) -> None:
    assert all(isinstance(item, Parsed | Rejected) for item in positions_of(document))


@given(st.dictionaries(FIELDS | st.just("baseSalary"), JSON | st.dictionaries(INNER, JSON), max_size=3), st.booleans())
def test_a_good_advert_with_any_json_in_its_fields_is_read_or_refused(
    changes: dict[str, JsonValue], graph: bool
) -> None:
    item: JsonValue = advert() | changes
    document: JsonValue = {"@graph": [item, item]} if graph else [item, item]
    first, *_ = positions_of(document)
    assert isinstance(first, Rejected) or first.value.title


@given(st.text(min_size=12, alphabet=st.characters(codec="utf-8", exclude_characters=":")), FIELDS)
def test_a_reason_never_tells_the_value(secret: str, field: str) -> None:
    item = only(json.loads(json.dumps(advert() | {field: [f"§{secret}§", {"name": {"x": f"§{secret}§"}}]})))
    assert isinstance(item, Parsed) or f"§{secret}§" not in item.reason
