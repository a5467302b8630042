"""When the next rotation is due; asks for it by itself, and tells how long it is overdue."""

from datetime import datetime, timedelta
from typing import Final

from chassis.service import Service
from chassis.sql import Connection, borrow
from chassis.work import WorkItem

from retention_service import keyring_backup, rotations, subject_keys
from retention_service.keyring import Keyring
from retention_service.measures import RetentionMeasures
from retention_service.rotate_keys import ask_to_rotate
from retention_service.rotations import RotationStage

LOOK_WHETHER_DUE: Final = timedelta(minutes=1)
BACK_UP_EVERY: Final = timedelta(days=1)
BACKUPS_KEPT: Final = 7
"""Of the newest epoch; those of older ones open nothing any more and go with it."""


async def due_at(connection: Connection, every: timedelta) -> datetime | None:
    """A set time after the last rotation, or after the keyring began; None while there is none."""
    since = await rotations.last_done(connection) or await subject_keys.log_key_made_at(connection)
    return None if since is None else since + every


class RotationDue:
    """The schedules of the keyring."""

    def __init__(self, service: Service, keyring: Keyring, every: timedelta, measures: RetentionMeasures) -> None:
        self._service = service
        self._keyring = keyring
        self._every = every
        self._measures = measures

    async def look(self, _item: WorkItem) -> None:
        """Ask for a rotation that is due; one that was begun goes on by itself."""
        now = self._service.clock.now()
        async with borrow(self._service.database.pool) as connection:
            due = await due_at(connection, self._every)
            latest = await rotations.latest(connection)
        if due is None:
            return
        self._measures.show_rotation_due(due - now)
        if due <= now and (latest is None or latest.stage is RotationStage.DONE):
            async with self._service.database.transaction(keys=()) as tx:
                await ask_to_rotate(tx)

    async def back_up(self, _item: WorkItem) -> None:
        """Write a backup of the keyring, and let go of those that are too many."""
        epoch = self._keyring.store.current().newest
        async with borrow(self._service.database.pool) as connection:
            await keyring_backup.write(connection, self._keyring.backups, epoch, self._service.clock.now())
        keyring_backup.forget_older(self._keyring.backups, 0, BACKUPS_KEPT)
