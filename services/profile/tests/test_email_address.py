"""An e-mail address names one account, however it is typed, and can't be enumerated."""

import pytest
from chassis.own_key import OwnKey
from hypothesis import given
from hypothesis import strategies as st
from profile_service.email_address import email_hash, looked_up

LOCAL = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=30)


@given(LOCAL, LOCAL)
def test_case_and_surrounding_spaces_do_not_make_another_account(local: str, domain: str) -> None:
    address = f"{local}@a{domain}.no"
    assert looked_up(f" {address.upper()} ") == looked_up(address) != ""


def test_a_domain_in_norwegian_letters_is_its_ascii_form() -> None:
    assert looked_up("kari@bjørn.no") == looked_up("KARI@xn--bjrn-hra.no")


@pytest.mark.parametrize("text", ["", "kari", "kari@", "@post.no", "a@b@c.no", "kari@post.no,per@post.no"])
def test_what_is_no_address_is_looked_up_as_nobodys(text: str) -> None:
    assert looked_up(text) == ""


def test_another_service_key_knows_an_address_by_another_hash() -> None:
    assert email_hash(OwnKey(b"one"), "kari@post.no") != email_hash(OwnKey(b"another"), "kari@post.no")
