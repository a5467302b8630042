"""Puts a backup of the keyring into a database that lost it; what was destroyed since stays destroyed.

`python -m retention_service.restore_keyring FILE`, with the service's settings, after its role `migrate`.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from chassis.logs import SafeError
from chassis.settings import load
from chassis.sql import Connection, connect

from retention_service import keyring_backup, subject_keys
from retention_service.destroyed_ledger import Destroyed, DestroyedLedger
from retention_service.destruction import Destruction
from retention_service.kek_store import KekStore
from retention_service.keyring_backup import BadBackup, Row
from retention_service.settings import RetentionSettings
from retention_service.subject_keys import NewKey

_TOGETHER: Final = 1_000


class Restored(NamedTuple):
    """What a restore did: keys that live again, and those of the backup that were destroyed, before it or since."""

    living: int
    destroyed: int


async def restore(connection: Connection, file: Path, kek_dir: Path, *, beside: bool = False) -> Restored:
    """All or nothing. The database has its schema and no living key but the log's, which the backup's replaces.

    `beside`: the database was restored itself, and keeps those keys of its own that can still be opened.

    Raises:
        BadBackup: the file is not whole, or the database has keys of its own.
        BadKeks: a key-encryption key that the backup needs is lost, or was destroyed by a later rotation.
        BadLedger: the ledger of destroyed keys can't be used; nothing is restored without it.
    """
    keyring_backup.check(file)
    store, destruction = KekStore(kek_dir), Destruction(DestroyedLedger(kek_dir))
    living = destroyed = 0
    async with connection.transaction():
        if beside:
            await subject_keys.forget_others_than(connection, store.current().epochs)
        elif not await subject_keys.forget_log_key(connection):
            raise BadBackup("the database has living keys: restore into one that was just migrated, and is empty")
        source = keyring_backup.rows(file)
        while rows := list(islice(source, _TOGETHER)):
            store.knowing({row.key.wrapped.epoch for row in rows if row.key.wrapped is not None})
            for row in rows:
                if row.key.wrapped is not None:
                    store.current().unwrap(*row.key.name, row.key.wrapped)
            await subject_keys.restore(connection, list(_living(rows)))
            found = await subject_keys.find(connection, [row.key.name for row in rows])
            gone = [Destroyed(row.key.name, row.at) for row in rows if row.key.name not in found]
            if gone:
                await destruction.destroy(connection, gone)
            alive = sum(key.wrapped is not None for key in found.values())
            living, destroyed = living + alive, destroyed + len(rows) - alive
    return Restored(living, destroyed)


def _living(rows: list[Row]) -> Iterator[tuple[NewKey, datetime]]:
    for row in rows:
        if row.key.wrapped is not None:
            yield NewKey(row.key.name, row.key.wrapped), row.at


async def _main(file: Path, settings: RetentionSettings) -> Restored:
    connection = await connect(settings.database_url.get_secret_value())
    try:
        return await restore(connection, file, settings.kek_dir)
    finally:
        await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m retention_service.restore_keyring", description=__doc__)
    parser.add_argument("file", type=Path)
    told = parser.parse_args()
    try:
        restored = asyncio.run(_main(told.file, load(RetentionSettings)))
    except SafeError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{restored.living} keys live again; {restored.destroyed} stay destroyed\n")


if __name__ == "__main__":
    main()
