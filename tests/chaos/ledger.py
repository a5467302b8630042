"""Knows, outside of the system under test, what was asked of it and what it acknowledged; in memory and in a file."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO
from uuid import UUID


@dataclass(slots=True)
class Attempt:
    """One command of a client, however often it was sent; `sequences` are the answers, all the same if all is well."""

    attempt: UUID
    subject: UUID
    tried_at: float
    acknowledged_at: float | None = None
    sequences: set[int] = field(default_factory=set[int])
    gone: bool = False
    """Whether it was answered that the person is erased."""


@dataclass(frozen=True, slots=True)
class BadAnswer:
    """An answer that no fault excuses."""

    at: float
    attempt: UUID
    status: int


class Ledger:
    """Written before a command is first sent, and again with each acknowledgement. Times are seconds of the round."""

    def __init__(self, file: Path) -> None:
        self.attempts: dict[UUID, Attempt] = {}
        self.bad_answers: list[BadAnswer] = []
        self.erased: dict[UUID, float] = {}
        """The people whose erasure was asked for, and when."""
        self.retries = 0
        self._file: TextIO = file.open("a", encoding="utf-8")

    def tried(self, attempt: UUID, subject: UUID, at: float) -> None:
        self.attempts[attempt] = Attempt(attempt, subject, at)
        self._write("tried", at, attempt, subject=str(subject))

    def acknowledged(self, attempt: UUID, sequence: int, at: float) -> None:
        entry = self.attempts[attempt]
        entry.acknowledged_at = entry.acknowledged_at or at
        entry.sequences.add(sequence)
        self._write("acknowledged", at, attempt, sequence=sequence)

    def refused(self, attempt: UUID, status: int, at: float) -> None:
        self.bad_answers.append(BadAnswer(at, attempt, status))
        self._write("refused", at, attempt, status=status)

    def told_gone(self, attempt: UUID, at: float) -> None:
        """The answer was that nothing can be written about the person any more."""
        entry = self.attempts[attempt]
        entry.gone = True
        self._write("gone", at, attempt, subject=str(entry.subject))

    def erasing(self, person: UUID, at: float) -> None:
        self.erased[person] = at
        self._file.write(json.dumps({"at": round(at, 3), "what": "erasing", "subject": str(person)}) + "\n")
        self._file.flush()

    @property
    def acknowledgements(self) -> int:
        return sum(1 for entry in self.attempts.values() if entry.sequences)

    def close(self) -> None:
        self._file.close()

    def _write(self, what: str, at: float, attempt: UUID, **more: str | int) -> None:
        self._file.write(json.dumps({"at": round(at, 3), "what": what, "attempt": str(attempt), **more}) + "\n")
        self._file.flush()
