"""Knows a password by its argon2id hash (RFC 9106), never by itself; few at a time, so logins can't take the machine."""

import asyncio
import secrets
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from pydantic import SecretStr

_AT_ONCE: Final = 2
"""Hashes at the same time: each takes 19 MiB and one core."""


class Passwords:
    """Hashes and checks in threads. Checking against nothing takes as long as checking against a hash."""

    def __init__(self) -> None:
        # OWASP's parameters for argon2id: 19 MiB, two passes, one lane.
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._nobodys = self._hasher.hash(secrets.token_hex())

    @property
    def nobodys(self) -> str:
        """The hash of a password that nobody knows."""
        return self._nobodys

    async def hash(self, password: SecretStr) -> str:
        """A new hash, with a salt of its own."""
        async with self._gate:
            return await asyncio.to_thread(self._hasher.hash, _text(password))

    async def match(self, password: SecretStr, known: str | None) -> bool:
        """Whether this is the password of a known hash; False, after the same time, when there is none."""
        async with self._gate:
            matched = await asyncio.to_thread(self._verify, known or self._nobodys, _text(password))
        return matched and known is not None

    def _verify(self, known: str, password: str) -> bool:
        try:
            return self._hasher.verify(known, password)
        except VerifyMismatchError:
            return False


def _text(password: SecretStr) -> str:
    return unicodedata.normalize("NFC", password.get_secret_value())
