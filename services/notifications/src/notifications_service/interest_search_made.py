"""The table `interest_search_made`: up to which interest `interest_search` is made. PostgreSQL empties both at once.

No row says that they were emptied: after a crash, on a promoted replica, in a restored database. So whoever finds a row
knows that everything it speaks of is there.
"""

from typing import Final, NamedTuple
from uuid import UUID

from chassis.errors import BeingMade
from chassis.sql import Connection

BEFORE_ALL: Final = UUID(int=0)


class Made(NamedTuple):
    """How far it is: every interest up to this id can be found, and if `whole` every other too."""

    made_to: UUID
    whole: bool


async def find(connection: Connection) -> Made | None:
    """None when it was emptied."""
    row = await connection.fetchrow("SELECT made_to, whole FROM interest_search_made")
    return None if row is None else Made(row["made_to"], row["whole"])


async def require_whole(connection: Connection) -> None:
    """Go on only if everybody who asked for positions can be found, until the transaction ends.

    Raises:
        BeingMade: PostgreSQL emptied the search, and it is not made anew yet.
    """
    made = await find(connection)
    if made is None or not made.whole:
        raise BeingMade("the search for interests was emptied by a crash or a restore, and is being made anew")


async def begin(connection: Connection) -> None:
    """It was emptied: it is made from the first interest on."""
    await connection.execute(
        "INSERT INTO interest_search_made (made_to, whole) VALUES ($1, false) ON CONFLICT (one) DO NOTHING", BEFORE_ALL
    )


async def advance(connection: Connection, made_to: UUID, *, to: UUID) -> bool:
    """The caller makes the interests from here to there, in this transaction; False when that is no longer the next to do:
    another did it, or it was emptied meanwhile."""
    moved = await connection.fetchval(
        "UPDATE interest_search_made SET made_to = $2 WHERE made_to = $1 AND NOT whole RETURNING made_to", made_to, to
    )
    return moved is not None


async def end(connection: Connection, made_to: UUID) -> None:
    """There is no interest after this one: everybody can be found, unless it was emptied meanwhile."""
    await connection.execute("UPDATE interest_search_made SET whole = true WHERE made_to = $1", made_to)
