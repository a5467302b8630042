"""The table `departures`: how many people were forgotten, by day."""

from datetime import date

from chassis.sql import Connection


async def add(connection: Connection, day: date) -> None:
    await connection.execute(
        "INSERT INTO departures (day, people) VALUES ($1, 1)"
        " ON CONFLICT (day) DO UPDATE SET people = departures.people + 1",
        day,
    )


async def total(connection: Connection) -> int:
    return await connection.fetchval("SELECT coalesce(sum(people), 0)::bigint FROM departures")
