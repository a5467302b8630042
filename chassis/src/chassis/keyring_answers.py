"""What the keyring answers, as both sides read it."""

from uuid import UUID

from pydantic import BaseModel


class KeyState(BaseModel):
    """One key in the keyring's answer; `key` is base64 of 32 bytes, or null when destroyed or never made."""

    subject_id: UUID
    category: str
    key: str | None


class KeysFound(BaseModel):
    """The keyring's answer to a fetch."""

    keys: list[KeyState]


class DestroyedKey(BaseModel):
    """The name of a key that opens nothing any more."""

    subject_id: UUID
    category: str


class KeysDestroyed(BaseModel):
    """Names destroyed since a place, oldest first, and the place to ask from next.

    `reset` means that the keyring does not know the place, or was told none: what is held is forgotten.
    """

    keys: list[DestroyedKey]
    after: str
    more: bool
    reset: bool
