"""Knows what an e-mail address is, as it is written to and as it is looked up."""

import unicodedata
from typing import Annotated, Final

from chassis.own_key import OwnKey
from chassis.problems import InvalidValue
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field

MAX_CHARACTERS: Final = 254


def _valid(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise InvalidValue("is not an e-mail address") from None


Email = Annotated[str, Field(min_length=3, max_length=MAX_CHARACTERS), AfterValidator(_valid)]


def looked_up(text: str) -> str:
    """The form in which an address is the same whoever types it: case, Unicode form and the domain's script do not count.

    What is no address has a form too, which no account has.
    """
    try:
        parts = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError:
        return ""
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", parts.local_part).casefold())
    return f"{local}@{parts.ascii_domain.lower()}"


def email_hash(own_key: OwnKey, email: str) -> bytes:
    """What the table of logins knows an address by: keyed, so that nobody can try addresses against it (trap 32)."""
    return own_key.keyed_hash("email look-up", looked_up(email))
