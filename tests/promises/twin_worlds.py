"""Two worlds with the same story, but for one person who lives and is erased in the first; and their rows, comparable."""

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Final
from uuid import uuid4

from tillit_cli.json_resume import Address, JobInterest
from tillit_cli.portal import Login, NewPerson
from tillit_cli.proof.stored_rows import StoredRows, StoredTable, quoted

from .canaries import Canaries
from .canary_story import MATCHED, erase_everything, tell_everything
from .own_system import own_system
from .system import System
from .twin_exemptions import ANY_VALUE, NOT_COMPARED

Row = tuple[tuple[str, str | None], ...]
Rows = Mapping[str, Counter[Row]]
"""Normalised rows, and how often each stands there, by `database.table`."""

_BYSTANDER: Final = NewPerson(
    "Vitne Vitnesen",
    "vitne@example.org",
    "+99912345678901",
    Address(street="Vitneveien 1", postal_code="0000", city="Ingensteds", country_code="NO"),
    date(1970, 1, 1),
    {"work": [{"name": "Arbeidsgiver", "summary": "var der hele tiden"}]},
)
_COLUMNS: Final = """
    SELECT a.attname AS name, t.typname AS type
      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
     WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname
"""
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:?\d\d)?)?")
_RANDOM: Final = re.compile(r"\b[0-9a-f]{32,}\b|\b[A-Za-z0-9_-]{43}\b")
_BYTES: Final = frozenset({"bytea", "_bytea"})
_ELSEWHERE: Final = "pg_catalog"


@asynccontextmanager
async def world() -> AsyncGenerator[System]:
    """A new one, with nobody in it; gone afterwards."""
    folder = _new_folder()
    try:
        async with own_system(folder / "state") as system:
            yield system
    finally:
        shutil.rmtree(folder)


def _new_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tillit-twin-"))
    folder.chmod(0o755)
    return folder


async def story(system: System, person: Canaries | None) -> Rows:
    """What happens in both worlds, and in one of them a person's whole life with us; the answer is what is left."""
    bystander = Login(system.portal, _BYSTANDER.email, "et passord for vitnet")
    await system.portal.register(_BYSTANDER, bystander.password, key=str(uuid4()))
    await system.portal.save_interest(bystander, JobInterest(occupation=MATCHED), key=str(uuid4()))
    await system.settled()
    if person is None:
        await system.publish(MATCHED, "Ingensteds")  # as the story of the person does, once
    else:
        told = await tell_everything(system, person)
        await system.settled()
        await erase_everything(system, told, person)
    await system.settled()
    await system.publish(MATCHED, "Ingensteds")
    await system.settled()
    return await all_rows(system.stored)


async def all_rows(stored: StoredRows) -> Rows:
    """Every row of every table of every service, normalised."""
    found: dict[str, Counter[Row]] = {}
    for table in await stored.tables():
        if table.schema != _ELSEWHERE and table.name not in NOT_COMPARED:
            found[str(table)] = await _rows(stored, table)
    return found


async def _rows(stored: StoredRows, table: StoredTable) -> Counter[Row]:
    async with stored.connected(table.database) as connection:
        columns = {row["name"]: row["type"] for row in await connection.fetch(_COLUMNS, table.quoted)}
        chosen = ", ".join(f"{quoted(name)}::text AS {quoted(name)}" for name in columns)
        rows = await connection.fetch(f"SELECT {chosen} FROM {table.quoted}")
    return Counter(
        tuple((name, normalised(f"{table.name}.{name}", kind, row[name])) for name, kind in columns.items())
        for row in rows
    )


def normalised(where: str, kind: str, value: str | None) -> str | None:
    """A value without what is random or follows the clock: ids, times, bytes, digests, and places in a queue or log."""
    if where in ANY_VALUE:
        return "any"
    if value is None:
        return None
    if kind in _BYTES:
        return "bytes"
    for pattern, name in ((_ID, "id"), (_TIME, "time"), (_RANDOM, "random")):
        value = pattern.sub(name, value)
    return value


def differences(without: Rows, lived: Rows, *, more: Mapping[str, str]) -> list[str]:
    """Where they differ and may not, in words that tell no values."""
    found = [f"{table} is in one world only" for table in sorted(without.keys() ^ lived.keys())]
    for table in sorted(without.keys() & lived.keys()):
        missing, extra = without[table] - lived[table], lived[table] - without[table]
        if missing:
            found.append(f"{table} lacks {missing.total()} rows: {list(missing)[:3]}")
        if extra and table not in more:
            found.append(f"{table} has {extra.total()} rows more: {list(extra)[:3]}")
    return found


def unused(without: Rows, lived: Rows, *, more: Mapping[str, str]) -> list[str]:
    """Exemptions that nothing needs: a list that is reviewed is no longer than it must be."""
    return sorted(table for table in more if not lived.get(table, Counter()) - without.get(table, Counter()))
