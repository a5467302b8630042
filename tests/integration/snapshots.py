"""A service's database as it was at a moment, put back later as a restore from a backup does."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, cast

from chassis.service import Service
from chassis.testing.containers import connected
from chassis.testing.services import surroundings

_TABLES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    " AND table_name <> 'migrations'"
)


@dataclass(frozen=True)
class Snapshot:
    """Every row of every table."""

    rows: Mapping[str, bytes]

    @classmethod
    async def of(cls, service: Service) -> "Snapshot":
        rows: dict[str, bytes] = {}
        async with connected(surroundings(service).database.migration_dsn) as owner, owner.transaction():
            for (table,) in await owner.fetch(_TABLES):
                content = BytesIO()
                await cast("Any", owner).copy_from_table(table, output=content, format="binary")
                rows[table] = content.getvalue()
        return cls(rows)

    async def put_back(self, service: Service) -> None:
        """Nothing else is left: what came since is forgotten, whatever the world remembers."""
        async with connected(surroundings(service).database.migration_dsn) as owner, owner.transaction():
            await owner.execute(f"TRUNCATE {', '.join(self.rows)}")
            for table, content in self.rows.items():
                await cast("Any", owner).copy_to_table(table, source=BytesIO(content), format="binary")
