import base64
import html
import json
from datetime import date
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tillit_cli.proof.needles import (
    SHORTEST,
    needles_of,
    spellings_of_date,
    spellings_of_name,
    spellings_of_phone,
    within_base64,
)
from tillit_cli.proof.unique_person import make_person

NAME = "Åsbjørg Træthaug-Søndervåg"


def seen(haystack: bytes) -> set[str]:
    return {needle.form for needle in needles_of({"name": [NAME]}) if needle.content in haystack}


@pytest.mark.parametrize(
    ("form", "haystack"),
    [
        ("UTF-8", NAME.encode()),
        ("UTF-16LE", NAME.encode("utf-16-le")),
        ("UTF-16BE", NAME.encode("utf-16-be")),
        ("Latin-1", NAME.encode("latin-1")),
        ("JSON escapes", json.dumps({"name": NAME}).encode()),
        ("URL", f"/people?name={quote(NAME)}".encode()),
        ("HTML numbers", html.escape(NAME).encode("ascii", "xmlcharrefreplace")),
        ("hex", NAME.encode().hex().encode()),
        ("HEX", NAME.encode().hex().upper().encode()),
    ],
)
def test_a_name_is_seen_in_every_form_that_software_gives_it(form: str, haystack: bytes) -> None:
    assert form in seen(haystack)


@given(before=st.binary(max_size=40), after=st.binary(max_size=40), content=st.binary(min_size=12, max_size=60))
def test_content_is_seen_in_the_base64_of_anything_that_holds_it(before: bytes, after: bytes, content: bytes) -> None:
    encoded = base64.b64encode(before + content + after)
    assert within_base64(content, len(before) % 3) in encoded


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_mail_address_is_seen_in_url_safe_base64_at_any_alignment(before: str, after: str) -> None:
    text = f"{before}siv.åse+jobb@example.org{after}".encode()
    needles = needles_of({"mail": ["siv.åse+jobb@example.org"]})
    assert any(needle.content in base64.urlsafe_b64encode(text) for needle in needles)


def test_a_date_is_looked_for_as_norwegians_and_as_machines_write_it() -> None:
    assert spellings_of_date(date(1987, 3, 4)) == ["1987-03-04", "04.03.1987"]


def test_a_phone_number_is_looked_for_with_each_prefix() -> None:
    assert spellings_of_phone("+99912345678901") == ["+99912345678901", "0099912345678901", "99912345678901"]


def test_a_name_is_looked_for_in_any_case_and_with_its_letters_taken_apart() -> None:
    assert len(spellings_of_name(NAME)) == 4
    assert "åsbjørg træthaug-søndervåg" in spellings_of_name(NAME)


def test_nothing_so_short_that_chance_would_find_it_is_looked_for() -> None:
    assert needles_of({"short": ["Ola"]}) != []
    assert all(len(needle.content) >= SHORTEST for needle in needles_of({"short": ["Ola", "12.3"]}))


def test_a_needle_and_its_person_show_nothing_of_themselves_when_printed() -> None:
    person = make_person()
    shown = repr(person) + repr(person.needles("their"))
    assert person.name not in shown
    assert person.email not in shown
    assert person.phone not in shown


def test_two_people_made_for_a_proof_share_no_name_mail_or_phone() -> None:
    people = [make_person() for _ in range(200)]
    assert len({person.name for person in people}) == 200
    assert len({person.email for person in people}) == 200
    assert len({person.phone for person in people}) == 200
