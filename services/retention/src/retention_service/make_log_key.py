"""Run by `migrate`: the first key-encryption key and the log's own key exist, and no epoch that rows use is missing."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from chassis.keys import LOG_KEY
from chassis.service import Service
from chassis.sql import borrow

from retention_service import kek, subject_keys
from retention_service.make_keys import make_keys


def make_log_key(service: Service, kek_dir: Path) -> Callable[[], Awaitable[None]]:
    """What `migrate` does; safe to repeat, and nothing is made in the place of what was lost."""

    async def make_log_key() -> None:
        async with borrow(service.database.pool) as connection:
            in_use = await subject_keys.epochs_in_use(connection)
        if not kek.has_epochs(kek_dir):
            if in_use:
                raise kek.lost(in_use)
            kek.begin_epoch(kek_dir)
        keks = kek.load(kek_dir)
        keks.require(in_use)
        async with service.database.transaction(keys=()) as tx:
            await make_keys(tx, keks, [LOG_KEY])

    return make_log_key
