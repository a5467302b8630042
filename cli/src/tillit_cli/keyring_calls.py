"""What the operator asks of the keyring: its counts, and the rotation of the key-encryption key."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel

from tillit_cli.operator_calls import Operator


class CategoryCount(BaseModel):
    """Keys of one category."""

    category: str
    living: int
    destroyed: int


class KeyringStatus(BaseModel):
    """Keys by category and by epoch."""

    newest_epoch: int
    epochs: Sequence[int]
    living_by_epoch: Mapping[int, int]
    categories: Sequence[CategoryCount]


class Rotation(BaseModel):
    """One rotation as the retention service tells it."""

    epoch: int
    stage: str
    asked_at: datetime
    keys: int
    rewrapped: int
    backup: str | None
    backup_keys: int | None
    proved_keys: int | None
    destroyed: Sequence[int]
    done_at: datetime | None
    stopped_by: str | None
    stopped_at: datetime | None


class Rotations(BaseModel):
    """The open rotation or the last one."""

    latest: Rotation | None
    due_at: datetime | None
    custody: bool


async def keyring_status(operator: Operator) -> KeyringStatus:
    return KeyringStatus.model_validate_json(await operator.call("retention", "GET", "/keyring/status"))


async def rotations(operator: Operator) -> Rotations:
    return Rotations.model_validate_json(await operator.call("retention", "GET", "/keyring/rotation"))


async def rotate(operator: Operator) -> Rotations:
    """Have the key-encryption key rotated; an open rotation goes on."""
    return Rotations.model_validate_json(await operator.call("retention", "POST", "/keyring/rotation"))
