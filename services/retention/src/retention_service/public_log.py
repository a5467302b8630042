"""The public log as anybody reads it over HTTP, and whom we believe about it: its signatures, and nothing else."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import httpx
from chassis.logs import SafeError
from chassis.network import refuse_in_transaction
from contracts.log_leaf import Leaf
from contracts.notes import BadNote, NoteKey, read_key
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, ValidationError

from chassis import tls
from contracts import base64url
from retention_service.settings import RetentionSettings

_SECONDS: Final = 5.0
_LARGEST_ANSWER: Final = 64 * 1024


class NotLogged(SafeError):
    """The log has no proof of this entry yet, or can't be asked; the text says which."""


class _Place(BaseModel):
    index: int
    published: bool


@dataclass(frozen=True, slots=True)
class LogTrust:
    """The log's key, and the witnesses without whose signature no proof is taken."""

    log: NoteKey
    witnesses: tuple[NoteKey, ...]

    @classmethod
    def of(cls, settings: RetentionSettings) -> "LogTrust | None":
        """Whom the settings name; None when they name no log.

        Raises:
            SafeError: a key in them is none.
        """
        try:
            witnesses = tuple(read_key(one) for one in settings.witness_keys.split(",") if one)
            return cls(read_key(settings.log_key), witnesses) if settings.log_key else None
        except BadNote as error:
            raise SafeError(f"TILLIT_LOG_KEY and TILLIT_WITNESS_KEYS hold verifier keys NAME+ID+KEY: {error}") from None


class PublicLog:
    """One log at its address."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    async def proof_of(self, leaf: Leaf) -> bytes:
        """The entry's C2SP tlog-proof, as the log has it now: not checked.

        Raises:
            NotLogged: there is none yet, or the log is away.
        """
        refuse_in_transaction("the public log")
        async with httpx.AsyncClient(
            base_url=self._url, timeout=_SECONDS, verify=tls.trusted(), trust_env=False
        ) as http:
            commitment = base64url.encode(leaf.commitment).decode()
            place = _place_in(await self._get(http, f"/log/place?commitment={commitment}"))
            if not place.published:
                raise NotLogged("the log has the entry, and has not published it yet")
            return await self._get(http, f"/log/proof/{place.index}")

    async def _get(self, http: httpx.AsyncClient, path: str) -> bytes:
        try:
            answer = await http.get(path)
        except httpx.HTTPError as error:
            raise NotLogged(f"the log is away: {type(error).__name__}") from None
        if answer.status_code != HTTPStatus.OK or len(answer.content) > _LARGEST_ANSWER:
            raise NotLogged(f"the log answers {answer.status_code}")
        return answer.content


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of this public key signed the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _place_in(answer: bytes) -> _Place:
    try:
        return _Place.model_validate_json(answer)
    except ValidationError:
        raise NotLogged("the log's answer is no place in it") from None
