"""A mail's headers say what we say, whatever others wrote."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notifications_service.letter import Letter, UnusableAddress, recipient, write_message

AT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "kari",
        "kari@",
        "@example.no",
        "kari@example.no, ola@example.no",
        "kari@example.no\r\nBcc: ola@example.no",
        "kari\x00@example.no",
        "<kari@example.no>",
        "kari@example.no>",
        "kari@" + "a" * 64 + ".no",
        "kari@..no",
    ],
)
def test_what_is_not_exactly_one_address_gets_no_mail(address: str) -> None:
    with pytest.raises(UnusableAddress) as refused:
        recipient(address)
    assert not address or address not in str(refused.value)


def test_spaces_around_an_address_do_not_count() -> None:
    assert recipient(" kari@example.no\n") == "kari@example.no"


def test_a_line_break_in_a_subject_line_is_refused() -> None:
    letter = Letter(UUID(int=1), "kari@example.no", "Hei\r\nBcc: ola@example.no", "")
    with pytest.raises(ValueError):
        write_message(letter, "kari@example.no", sender="portal@tillit.example", at=AT)


def test_the_same_mail_has_the_same_message_id_whenever_it_is_written() -> None:
    letter = Letter(UUID(int=1), "kari@example.no", "Hei", "Hei")
    written = [
        write_message(letter, "kari@example.no", sender="portal@tillit.example", at=at)
        for at in (AT, AT.replace(hour=5))
    ]
    assert written[0]["Message-ID"] == written[1]["Message-ID"] == f"<{UUID(int=1)}@tillit.example>"


def test_robots_are_told_not_to_answer() -> None:
    letter = Letter(UUID(int=1), "kari@example.no", "Hei", "Hei")
    assert (
        write_message(letter, "kari@example.no", sender="portal@tillit.example", at=AT)["Auto-Submitted"]
        == "auto-generated"
    )


@given(st.text(), st.text())
def test_any_address_is_written_whole_or_not_at_all(local: str, domain: str) -> None:
    letter = Letter(UUID(int=1), f"{local}@{domain}", "Hei", "Hei")
    try:
        to = recipient(letter.address)
        message = write_message(letter, to, sender="portal@tillit.example", at=AT)
    except UnusableAddress:
        return
    [addressee] = message["To"].addresses
    assert addressee.domain == to.rpartition("@")[2]
    assert b"Bcc" not in message.as_bytes().partition(b"Subject")[0]


@given(st.from_regex(r"[a-zæøå.'+!#$%&*/=?^_`{|}~-]{1,30}@[a-zæøå-]{1,20}\.no", fullmatch=True))
def test_likely_addresses_never_break_the_writing(address: str) -> None:
    try:
        write_message(
            Letter(UUID(int=1), address, "Hei", "Hei"), recipient(address), sender="portal@tillit.example", at=AT
        ).as_bytes()
    except UnusableAddress:
        return
