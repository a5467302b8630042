"""Knows every form in which a value could lie around: encodings of text, of bytes in text, and of dates and numbers."""

import base64
import html
import json
import quopri
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import quote, quote_plus

SHORTEST: Final = 9
"""In bytes. What is shorter turns up by chance among random bytes, and would prove nothing."""


@dataclass(frozen=True, slots=True)
class Needle:
    """One value in one form. `of` says whose and what it is, never the value."""

    of: str
    form: str
    content: bytes

    def __repr__(self) -> str:
        return f"Needle({self.of}, {self.form})"


def needles_of(values: Mapping[str, Iterable[str]]) -> list[Needle]:
    """Every spelling of every value in every form, each once. Keys say what a value is, as `mail`."""
    found: dict[bytes, Needle] = {}
    for of, spellings in values.items():
        for spelling in spellings:
            for form, content in _forms(spelling):
                if len(content) >= SHORTEST:
                    found.setdefault(content, Needle(of, form, content))
    return list(found.values())


def spellings_of_name(name: str) -> list[str]:
    """As written, in one case, and with its letters taken apart (NFD)."""
    return list(dict.fromkeys([name, name.casefold(), name.upper(), unicodedata.normalize("NFD", name)]))


def spellings_of_phone(phone: str) -> list[str]:
    """As written, with 00 for the plus, and without any prefix sign."""
    digits = phone.lstrip("+")
    return [phone, f"00{digits}", digits]


def spellings_of_date(day: date) -> list[str]:
    """As ISO 8601 has it, and as Norwegians write it."""
    return [day.isoformat(), f"{day.day:02}.{day.month:02}.{day.year}"]


def _forms(text: str) -> Iterator[tuple[str, bytes]]:
    plain = text.encode()
    yield "UTF-8", plain
    yield "UTF-16LE", text.encode("utf-16-le")
    yield "UTF-16BE", text.encode("utf-16-be")
    yield "Latin-1", text.encode("latin-1", "ignore")
    yield "JSON escapes", json.dumps(text)[1:-1].encode()
    yield "JSON escapes of all", "".join(f"\\u{ord(character):04x}" for character in text).encode()
    yield "URL", quote(text, safe="").encode()
    yield "URL, lower case", _lower_escapes(quote(text, safe="")).encode()
    yield "URL form", quote_plus(text).encode()
    yield "quoted-printable", quopri.encodestring(plain).rstrip(b"=\n")
    yield "HTML", html.escape(text).encode()
    yield "HTML numbers", text.encode("ascii", "xmlcharrefreplace")
    yield "hex", plain.hex().encode()
    yield "HEX", plain.hex().upper().encode()
    for alignment in range(3):
        whole = within_base64(plain, alignment)
        yield f"base64 +{alignment}", whole
        yield f"base64url +{alignment}", whole.translate(_URL_SAFE)


def within_base64(content: bytes, alignment: int) -> bytes:
    """What is sure to be seen of `content` in the base64 of anything that has it at a place of this alignment."""
    encoded = base64.b64encode(bytes(alignment) + content)
    first, last = -(-alignment * 8 // 6), (alignment + len(content)) * 8 // 6
    return encoded[first:last]


def _lower_escapes(quoted: str) -> str:
    parts = quoted.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])


_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
