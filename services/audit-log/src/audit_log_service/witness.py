"""Asks a witness to cosign checkpoints (C2SP tlog-witness): somebody else remembers the log, and can't be told two."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final

import httpx
from chassis.logs import SafeError
from chassis.network import refuse_in_transaction
from contracts.notes import (
    BadNote,
    Checkpoint,
    Note,
    NoteKey,
    Signature,
    read_signatures,
    signed_by,
    to_text,
)

from audit_log_service.log_key import is_signed
from audit_log_service.settings import AuditLogSettings
from chassis import tls

_SECONDS: Final = 3.0
_LARGEST_ANSWER: Final = 16 * 1024


class WitnessRefuses(SafeError):
    """There is no cosignature of this checkpoint; the text says why."""


class Witness:
    """One witness, known by its key. What it signed last it is asked itself, so nothing of it is kept here for good."""

    def __init__(self, url: str, key: NoteKey) -> None:
        self.key = key
        self._url = url.rstrip("/") + "/add-checkpoint"
        self._remembers = 0

    @classmethod
    def of(cls, settings: AuditLogSettings) -> "Witness | None":
        """The witness that the settings name, if they name one."""
        key = settings.witness()
        return cls(str(settings.witness_url), key) if settings.witness_url is not None and key is not None else None

    async def cosign(self, note: Note, checkpoint: Checkpoint, proof: Callable[[int], Sequence[bytes]]) -> Signature:
        """The witness' signature of this checkpoint; `proof` makes the consistency proof from a size that it remembers.

        Raises:
            WitnessRefuses: it is away, or will not.
        """
        refuse_in_transaction("the witness")
        async with httpx.AsyncClient(timeout=_SECONDS, verify=tls.trusted(), trust_env=False) as http:
            if self._remembers > checkpoint.size:
                self._remembers = 0
            answer = await self._ask(http, note, proof)
            if answer.status_code == HTTPStatus.CONFLICT:
                self._remembers = self._size_of(answer, checkpoint)
                answer = await self._ask(http, note, proof)
        if answer.status_code != HTTPStatus.OK:
            self._remembers = 0
            raise WitnessRefuses(f"the witness {self.key.name} answers {answer.status_code}")
        found = self._signature(note, answer)
        self._remembers = checkpoint.size
        return found

    async def _ask(
        self, http: httpx.AsyncClient, note: Note, proof: Callable[[int], Sequence[bytes]]
    ) -> httpx.Response:
        lines = [f"old {self._remembers}", *map(to_text, proof(self._remembers)), ""]
        body = "".join(f"{line}\n" for line in lines).encode() + note.to_bytes()
        try:
            return await http.post(self._url, content=body, headers={"Content-Type": "text/plain; charset=utf-8"})
        except httpx.HTTPError as error:
            raise WitnessRefuses(f"the witness {self.key.name} is away: {type(error).__name__}") from error

    def _size_of(self, answer: httpx.Response, checkpoint: Checkpoint) -> int:
        text = answer.text.strip()
        if not text.isdecimal() or len(text) > 18:
            raise WitnessRefuses(f"the witness {self.key.name} has another root for this size: the log has forked")
        if int(text) > checkpoint.size:
            raise WitnessRefuses(f"the witness {self.key.name} remembers a longer log: {text} leaves")
        return int(text)

    def _signature(self, note: Note, answer: httpx.Response) -> Signature:
        try:
            signatures = read_signatures(answer.text[:_LARGEST_ANSWER])
            if not signed_by(Note(note.text, signatures), self.key, is_signed):
                raise BadNote("another key signed")
        except BadNote as error:
            raise WitnessRefuses(f"the witness {self.key.name} gave no cosignature: {error}") from error
        return next(one for one in signatures if one.key_id == self.key.id and one.name == self.key.name)
