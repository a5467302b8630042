"""Counts the rows of every database that name a person, column by column, by PostgreSQL's own catalog.

It knows nothing of what services declare, and nothing of how they look for residue themselves: two that agree were
written twice.
"""

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from tillit_cli.proof.needles import within_base64
from tillit_cli.proof.stored_rows import StoredRows


class SubjectFinder:
    """Finds one person's random id in bytes: as it is, in text, in hex, and within base64, which is so in any blob."""

    def __init__(self, subject: UUID) -> None:
        spelled = [str(subject), subject.hex, str(subject).upper(), subject.hex.upper()]
        encoded = [within_base64(subject.bytes, alignment) for alignment in range(3)]
        url_safe = [form.translate(bytes.maketrans(b"+/", b"-_")) for form in encoded]
        self._forms = [subject.bytes, *(text.encode() for text in spelled), *encoded, *url_safe]

    def is_in(self, value: bytes) -> bool:
        return any(form in value for form in self._forms)


async def rows_naming(stored: StoredRows, subject: UUID) -> Mapping[str, int]:
    """How many values name the person, by `database.table.column`."""
    finder, found = SubjectFinder(subject), Counter[str]()
    async for where, value in stored.values():
        if finder.is_in(value):
            found[where] += 1
    return found
