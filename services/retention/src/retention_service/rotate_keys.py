"""Rotates the key-encryption key while services work: begin an epoch, re-wrap every living key, back up, prove, destroy.

Each step is committed before the next, so whoever ends in the middle is taken up there. Whatever fails stops it before
anything is destroyed, and the rotation says why.
"""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Final

from chassis.clock import monotonic
from chassis.errors import TRANSIENT
from chassis.logs import SafeError, get_logger
from chassis.service import Service
from chassis.sql import borrow
from chassis.transaction import Transaction
from chassis.work import WorkItem
from chassis.work_loop import renew

from chassis import work
from retention_service import kek, keyring_backup, rotations, subject_keys
from retention_service.keyring import Keyring
from retention_service.measures import RetentionMeasures
from retention_service.prove_backup import prove_elsewhere
from retention_service.rotations import Rotation, RotationStage

ROTATE_KEYS: Final = "rotate_keys"
BATCH: Final = 250
"""Keys of one transaction: they are held while they are re-wrapped, a few milliseconds."""
_REST: Final = 3
"""How much longer than a batch took the pause after it is: a rotation has a week, who fetches keys has milliseconds."""
_PASS_SECONDS: Final = 0.1
_BACKUPS_KEPT: Final = 3
_log = get_logger()


async def ask_to_rotate(tx: Transaction) -> None:
    """Have a rotation made by the worker. One that is open goes on at once, also when it was stopped."""
    before = await rotations.latest(tx.connection)
    if before is not None and before.stopped_by is not None:
        await work.cancel(tx.connection, ROTATE_KEYS, ROTATE_KEYS)  # it waits for its next try: this is one
    await rotations.ask(tx.connection, tx.now())
    tx.enqueue(ROTATE_KEYS, ROTATE_KEYS)


class KeyRotation:
    """The errand: takes the open rotation as far as it goes."""

    def __init__(self, service: Service, keyring: Keyring, measures: RetentionMeasures) -> None:
        self._service = service
        self._keyring = keyring
        self._measures = measures
        self._directory = keyring.store.directory
        self._steps = {
            RotationStage.BEGINNING: self._begin,
            RotationStage.REWRAPPING: self._rewrap,
            RotationStage.BACKING_UP: self._back_up,
            RotationStage.PROVING: self._prove,
            RotationStage.DESTROYING: self._destroy,
        }

    async def run(self, item: WorkItem) -> None:
        """Go on until it is done.

        Raises:
            SafeError, OSError: it stopped; the same text stands in the rotation.
        """
        try:
            while (rotation := await self._open()) is not None:
                _log.info("rotation.goes_on", epoch=rotation.epoch, stage=rotation.stage)
                await self._steps[rotation.stage](item, rotation)
        except (SafeError, OSError) as error:
            why = str(error) if isinstance(error, SafeError) else f"{type(error).__name__} ({error.strerror})"
            _log.error("rotation.stopped", why=why)
            with suppress(*TRANSIENT):
                async with self._service.database.transaction(keys=()) as tx:
                    await rotations.stopped(tx.connection, why, tx.now())
            raise

    async def _open(self) -> Rotation | None:
        async with borrow(self._service.database.pool) as connection:
            rotation = await rotations.latest(connection)
        return None if rotation is None or rotation.stage is RotationStage.DONE else rotation

    async def _begin(self, item: WorkItem, rotation: Rotation) -> None:
        await self._keyring.destruction.settled(self._service.database)
        custody = self._keyring.custody
        keep = custody.keep if custody is not None else None
        epoch = await asyncio.to_thread(kek.begin_epoch, self._directory, keep)
        async with borrow(self._service.database.pool) as connection:
            keys = await subject_keys.count_older(connection, epoch)
        async with self._service.database.transaction(keys=()) as tx:
            await renew(item, tx)
            await rotations.without_writers(tx.connection)
            await rotations.begin(tx.connection, rotation.number, epoch, keys)

    async def _rewrap(self, item: WorkItem, rotation: Rotation) -> None:
        database, after = self._service.database, None
        while True:
            began = monotonic()
            async with database.transaction(keys=()) as tx:
                await renew(item, tx)
                rows = await subject_keys.hold_older(tx.connection, rotation.epoch, after, BATCH)
                if rows:
                    old = self._keyring.store.knowing({row.wrapped.epoch for row in rows if row.wrapped is not None})
                    new = self._keyring.store.writing(rotation.epoch)
                    wrapped = [
                        new.wrap(*row.name, old.unwrap(*row.name, row.wrapped))
                        for row in rows
                        if row.wrapped is not None
                    ]
                    changed = await subject_keys.rewrap(tx.connection, rows, wrapped)
                    await rotations.rewrapped(tx.connection, rotation.number, changed)
                elif await subject_keys.count_older(tx.connection, rotation.epoch) == 0:
                    await rotations.all_rewrapped(tx.connection, rotation.number, tx.now())
                    return
            after = rows[-1].name if rows else None
            # what others held at that moment is found by another pass
            await asyncio.sleep((monotonic() - began) * _REST if rows else _PASS_SECONDS)

    async def _back_up(self, item: WorkItem, rotation: Rotation) -> None:
        await self._alive(item)
        async with borrow(self._service.database.pool) as connection:
            at = self._service.clock.now()
            written = await keyring_backup.write(connection, self._keyring.backups, rotation.epoch, at)
        async with self._service.database.transaction(keys=()) as tx:
            await renew(item, tx)
            await rotations.backed_up(tx.connection, rotation.number, written.name, written.living)

    async def _prove(self, item: WorkItem, rotation: Rotation) -> None:
        """Nothing older is needed any more: asked of the backup by another process, and of the table under the lock."""
        file = self._keyring.backups / str(rotation.backup)
        try:
            opened = await prove_elsewhere(file, self._directory, rotation.epoch, partial(self._alive, item))
        except SafeError:
            async with self._service.database.transaction(keys=()) as tx:
                await rotations.back_to_backing_up(tx.connection, rotation.number)
            raise
        async with self._service.database.transaction(keys=()) as tx:
            await renew(item, tx)
            await rotations.without_writers(tx.connection)
            if min(await subject_keys.epochs_in_use(tx.connection), default=rotation.epoch) < rotation.epoch:
                _log.error("rotation.found_older_keys", epoch=rotation.epoch)
                await rotations.back_to_rewrapping(tx.connection, rotation.number)
            else:
                await rotations.proved(tx.connection, rotation.number, opened, tx.now())

    async def _destroy(self, item: WorkItem, rotation: Rotation) -> None:
        """From `proved` on no key can come under an older epoch: who wraps one reads that this epoch was begun."""
        await self._alive(item)
        older = await asyncio.to_thread(kek.epochs_before, self._directory, rotation.epoch)
        for epoch in older:
            if self._keyring.custody is not None:
                await asyncio.to_thread(self._keyring.custody.let_go, epoch)
            await asyncio.to_thread(kek.destroy_epoch, self._directory, epoch)
        await asyncio.to_thread(keyring_backup.forget_older, self._keyring.backups, rotation.epoch, _BACKUPS_KEPT)
        async with self._service.database.transaction(keys=()) as tx:
            await renew(item, tx)
            await rotations.done(tx.connection, rotation.number, older, tx.now())
            took = tx.now() - rotation.asked_at
            tx.after_commit.append(lambda: self._measures.observe_rotation(took))
        self._keyring.store.current()
        _log.info("rotation.done", epoch=rotation.epoch, destroyed=older, keys=rotation.rewrapped)

    async def _alive(self, item: WorkItem) -> None:
        async with self._service.database.transaction(keys=()) as tx:
            await renew(item, tx)
