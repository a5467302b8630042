"""The table `fences`: where every topic ended at one moment. One fence is shared by all erasures that waited then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from chassis.sql import Connection
from chassis.topic_offsets import Offsets
from pydantic import TypeAdapter

_END_OFFSETS: Final = TypeAdapter(dict[str, dict[int, int]])


@dataclass(frozen=True, slots=True)
class Fence:
    """One row that erasures wait behind."""

    fence_id: UUID
    taken_at: datetime
    end_offsets: Offsets


async def insert(connection: Connection, fence: Fence) -> None:
    offsets = {topic: dict(partitions) for topic, partitions in fence.end_offsets.items()}
    await connection.execute(
        "INSERT INTO fences (fence_id, taken_at, end_offsets) VALUES ($1, $2, $3::text::jsonb)",
        fence.fence_id,
        fence.taken_at,
        _END_OFFSETS.dump_json(offsets).decode(),
    )


async def last_taken(connection: Connection) -> datetime | None:
    return await connection.fetchval("SELECT max(taken_at) FROM fences")


async def find(connection: Connection, fence_ids: Sequence[UUID]) -> list[Fence]:
    """These fences, oldest first."""
    rows = await connection.fetch(
        "SELECT fence_id, taken_at, end_offsets::text AS end_offsets FROM fences WHERE fence_id = ANY($1::uuid[])"
        " ORDER BY taken_at, fence_id",
        fence_ids,
    )
    return [Fence(row["fence_id"], row["taken_at"], _END_OFFSETS.validate_json(row["end_offsets"])) for row in rows]


async def passed(connection: Connection, fence_id: UUID, at: datetime) -> None:
    await connection.execute("UPDATE fences SET passed_at = coalesce(passed_at, $2) WHERE fence_id = $1", fence_id, at)


async def is_passed(connection: Connection, fence_id: UUID) -> bool:
    """Whether every holder had read past it."""
    return await connection.fetchval("SELECT passed_at FROM fences WHERE fence_id = $1", fence_id) is not None
