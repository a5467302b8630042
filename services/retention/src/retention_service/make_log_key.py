"""Run by `migrate`: the first key-encryption key and the log's own key exist, nothing that rows use is missing, and what
the ledger of destroyed keys says is destroyed in this database too."""

from collections.abc import Awaitable, Callable

from chassis.keys import LOG_KEY
from chassis.service import Service
from chassis.sql import borrow

from retention_service import kek, subject_keys
from retention_service.keyring import Keyring
from retention_service.make_keys import make_keys


def make_log_key(service: Service, keyring: Keyring) -> Callable[[], Awaitable[None]]:
    """What `migrate` does; safe to repeat, and nothing is made in the place of what was lost."""

    async def make_log_key() -> None:
        directory = keyring.store.directory
        async with borrow(service.database.pool) as connection:
            in_use = await subject_keys.epochs_in_use(connection)
        if not kek.has_epochs(directory):
            if in_use:
                raise kek.lost(in_use)
            kek.begin_epoch(directory, keyring.custody.keep if keyring.custody is not None else None)
        keyring.store.knowing(in_use)
        await keyring.destruction.settle(service.database)
        async with service.database.transaction(keys=()) as tx:
            await make_keys(tx, keyring.store, [LOG_KEY])

    return make_log_key
