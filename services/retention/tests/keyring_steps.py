"""What the tests of the keyring do again and again: rotate, keep the database as it is and put it back, read a ledger."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from chassis.keys import KeyName
from chassis.sql import borrow
from contracts.personal import SubjectId
from pydantic import JsonValue
from retention_service.destroyed_ledger import Destroyed
from retention_service.destruction import Destruction
from retention_service.keyring import Keyring
from retention_service.rotate_keys import ROTATE_KEYS

from .rig import Rig

TABLES = ("subject_keys", "ledger_state", "rotations")


class KeptDatabase(NamedTuple):
    """The keyring's tables as they were: what a backup of the database has."""

    rows: dict[str, list[tuple[Any, ...]]]


async def rotate(rig: Rig) -> dict[str, JsonValue]:
    """Ask for a rotation and let the worker do what it can; the rotation as the operator sees it then."""
    await rig.post("operator", "/keyring/rotation", None)
    await rig.work(ROTATE_KEYS)
    return (await rig.get("/keyring/rotation")).json()["latest"]


async def keep_database(rig: Rig) -> KeptDatabase:
    async with borrow(rig.service.database.pool) as connection:
        return KeptDatabase(
            {table: [tuple(row) for row in await connection.fetch(f"SELECT * FROM {table}")] for table in TABLES}
        )


async def put_back(rig: Rig, kept: KeptDatabase) -> None:
    """The database is again what it was when it was kept."""
    async with borrow(rig.service.database.pool) as connection, connection.transaction():
        for table, rows in kept.rows.items():
            await connection.execute(f"DELETE FROM {table}")
            override = "OVERRIDING SYSTEM VALUE" if table == "rotations" else ""
            for row in rows:
                places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
                await connection.execute(f"INSERT INTO {table} {override} VALUES ({places})", *row)


async def destroy(rig: Rig, subject: SubjectId, categories: Sequence[str]) -> None:
    """As the last step of an erasure does."""
    destruction: Destruction = Keyring.told_by(rig.settings).destruction
    async with rig.service.database.transaction(keys=()) as tx:
        await destruction.destroy(tx.connection, [Destroyed(KeyName(subject, c), tx.now()) for c in categories])


async def epochs_of(rig: Rig) -> set[int]:
    """The epochs that living keys are wrapped under, the log's too."""
    return {int(epoch) for epoch in (await rig.get("/keyring/status")).json()["living_by_epoch"]}
