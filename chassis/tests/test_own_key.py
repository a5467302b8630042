"""A service's own secrets: one per use, the same for one service key, and of no use under another."""

import os

import pytest
from chassis.logs import SafeError
from chassis.own_key import OwnKey
from hypothesis import given
from hypothesis import strategies as st

OURS = OwnKey(b"our private key")
THEIRS = OwnKey(b"their private key")


@given(st.binary(max_size=300))
def test_what_was_encrypted_for_a_use_is_decrypted_for_it(plain: bytes) -> None:
    assert OURS.decrypt("parked", OURS.encrypt("parked", plain)) == plain


def test_it_is_not_decrypted_for_another_use_or_by_another_service() -> None:
    sealed = OURS.encrypt("parked", b"Kari Nordmann")
    for key, use in ((OURS, "exports"), (THEIRS, "parked")):
        with pytest.raises(SafeError, match="was the service key replaced"):
            key.decrypt(use, sealed)


def test_changed_short_and_empty_bytes_are_refused() -> None:
    sealed = OURS.encrypt("parked", b"Kari Nordmann")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 0x01
        with pytest.raises(SafeError):
            OURS.decrypt("parked", bytes(changed))
        with pytest.raises(SafeError):
            OURS.decrypt("parked", sealed[:place])


def test_each_use_has_a_secret_of_its_own_that_stays() -> None:
    secrets = {OURS.secret("parked"), OURS.secret("idempotency"), THEIRS.secret("parked")}
    assert len(secrets) == 3
    assert OwnKey(b"our private key").secret("parked") in secrets
    assert all(len(secret) == 32 for secret in secrets)


def test_equal_texts_meet_in_the_keyed_hash_of_one_use_only() -> None:
    mail = "kari@post.example"
    assert OURS.keyed_hash("mail", mail) == OURS.keyed_hash("mail", mail)
    assert OURS.keyed_hash("mail", mail) != OURS.keyed_hash("other", mail)
    assert OURS.keyed_hash("mail", mail) != THEIRS.keyed_hash("mail", mail)
    assert OURS.keyed_hash("mail", mail) != OURS.keyed_hash("mail", mail + " ")


def test_one_text_is_never_encrypted_to_the_same_bytes_twice() -> None:
    plain = os.urandom(40)
    assert OURS.encrypt("parked", plain) != OURS.encrypt("parked", plain)
