"""The operator's view of the keyring: how many keys under which epoch, and the rotation of the key-encryption key."""

from datetime import datetime, timedelta

from chassis.problems import responses
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import OPERATOR, require
from fastapi import APIRouter, Depends
from pydantic import BaseModel

from retention_service import rotations, subject_keys
from retention_service.keyring import Keyring
from retention_service.rotate_keys import ask_to_rotate
from retention_service.rotation_due import due_at
from retention_service.rotations import RotationStage


class KeyringCount(BaseModel):
    """How many keys of one category live and were destroyed."""

    category: str
    living: int
    destroyed: int


class KeyringStatus(BaseModel):
    """The keyring at a glance; no key, and no person."""

    newest_epoch: int
    epochs: list[int]
    living_by_epoch: dict[int, int]
    categories: list[KeyringCount]


class RotationView(BaseModel):
    """One rotation: where it stands, and what its last try was stopped by."""

    epoch: int
    stage: RotationStage
    asked_at: datetime
    keys: int
    rewrapped: int
    rewrapped_at: datetime | None
    backup: str | None
    backup_keys: int | None
    proved_keys: int | None
    proved_at: datetime | None
    destroyed: list[int]
    done_at: datetime | None
    stopped_by: str | None
    stopped_at: datetime | None


class Rotations(BaseModel):
    """The open rotation or the last one, when the next is due, and whether key-encryption keys are in custody."""

    latest: RotationView | None
    due_at: datetime | None
    custody: bool


def rotation_routes(service: Service, keyring: Keyring, every: timedelta) -> APIRouter:
    """`GET /keyring/status`, `GET` and `POST /keyring/rotation`, for the operator."""
    router = APIRouter(prefix="/keyring", tags=["keyring"], dependencies=[Depends(require(OPERATOR))])

    @router.get("/status", responses=responses(401, 403, 503))
    async def status() -> KeyringStatus:
        keks = keyring.store.current()
        async with borrow(service.database.pool) as connection:
            counts = await subject_keys.count(connection)
            by_epoch = await subject_keys.count_by_epoch(connection)
        return KeyringStatus(
            newest_epoch=keks.newest,
            epochs=sorted(keks.epochs),
            living_by_epoch=dict(by_epoch),
            categories=[KeyringCount(category=c.category, living=c.living, destroyed=c.destroyed) for c in counts],
        )

    @router.get("/rotation", responses=responses(401, 403))
    async def show() -> Rotations:
        return await _shown()

    @router.post("/rotation", status_code=202, responses=responses(401, 403))
    async def rotate() -> Rotations:
        """Have the key-encryption key rotated by the worker. Safe to repeat: an open rotation goes on."""
        async with service.database.transaction(keys=()) as tx:
            await ask_to_rotate(tx)
        return await _shown()

    async def _shown() -> Rotations:
        async with borrow(service.database.pool) as connection:
            latest = await rotations.latest(connection)
            due = await due_at(connection, every)
        view = RotationView.model_validate(latest, from_attributes=True) if latest is not None else None
        return Rotations(latest=view, due_at=due, custody=keyring.custody is not None)

    return router
