"""A password is known by its argon2id hash, and nobody's takes as long as somebody's."""

import time
import unicodedata
from statistics import median

from profile_service.passwords import Passwords
from pydantic import SecretStr


async def test_a_password_is_kept_as_an_argon2id_hash_with_a_salt_of_its_own() -> None:
    passwords = Passwords()
    first, second = await passwords.hash(SecretStr("hemmelig")), await passwords.hash(SecretStr("hemmelig"))
    assert first.startswith("$argon2id$")
    assert first != second
    assert await passwords.match(SecretStr("hemmelig"), first)
    assert not await passwords.match(SecretStr("Hemmelig"), first)


async def test_a_password_is_the_same_in_both_unicode_forms() -> None:
    passwords = Passwords()
    known = await passwords.hash(SecretStr(unicodedata.normalize("NFC", "blåbær på øya")))
    assert await passwords.match(SecretStr(unicodedata.normalize("NFD", "blåbær på øya")), known)


async def test_nobodys_password_is_never_right_and_takes_as_long_to_refuse() -> None:
    passwords = Passwords()
    known = await passwords.hash(SecretStr("hemmelig"))
    times: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(9):
        for somebody in (True, False):
            began = time.monotonic()
            assert not await passwords.match(SecretStr("galt"), known if somebody else None)
            times[somebody].append(time.monotonic() - began)
    assert 0.3 < median(times[True]) / median(times[False]) < 3
