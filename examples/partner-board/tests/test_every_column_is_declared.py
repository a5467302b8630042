"""The data map is closed: what is in the real schema is declared, sealed or plain, with what ends it."""

from chassis.service import Service
from chassis.sql import borrow
from chassis.testing import read_schema, undeclared


async def test_the_real_schema_is_what_the_holder_declares(board: Service) -> None:
    async with borrow(board.database.pool) as connection:
        found = undeclared(await read_schema(connection), board.holder)
    assert not found, "\n".join(found)
