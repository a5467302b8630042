"""Where a statement may stand, and what it may say. Statements are read from string literals, wherever they are."""

import ast
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from .house import Module
from .law import Breach, Law

_STATEMENT = re.compile(
    r"\b(SELECT\b|INSERT\s+INTO\b|UPDATE\s+\S+\s+SET\b|DELETE\s+FROM\b|TRUNCATE\b|LOCK\s+TABLE\b|(CREATE|ALTER|DROP)\s+TABLE\b)"
)
_NAMED = re.compile(
    r"(?<!FOR )\b(?:FROM|JOIN|INTO|UPDATE|TABLE|TRUNCATE|USING)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?"
    r"(?P<name>[a-z_{][a-z0-9_.}]*)(?P<call>\s*\()?",
)
_CTE = re.compile(
    r"(?:WITH(?:\s+RECURSIVE)?|,)\s+([a-z_][a-z0-9_]*)\s*(?:\([^)]*\)\s*)?AS\s+(?:NOT\s+MATERIALIZED\s+|MATERIALIZED\s+)?\("
)
_STAR = re.compile(r"(?:\bSELECT|\bRETURNING|\bDISTINCT|,)\s+\*|\w\.\*")
_CLOCK = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(\s*\)"
    r"|\b(CURRENT_TIMESTAMP|CURRENT_DATE|CURRENT_TIME|LOCALTIMESTAMP|LOCALTIME)\b",
    re.IGNORECASE,
)
_METHODS: Final = frozenset({"execute", "executemany", "fetch", "fetchrow", "fetchval"})
_GENERATED: Final = frozenset({"chassis.holders", "chassis.hold_back", "chassis.residue", "chassis.explain"})
"""Where statements are generated: from a holder's declaration, and from PostgreSQL's catalog for every table there is."""
_NAMED_OTHERWISE: Final = {"chassis.idempotency": "idempotency_keys"}
"""A table's only module where another name says better what it knows."""
_SEES_WHOLE_DATABASES: Final = ("tillit_cli.proof.", "local_stack.")
"""The proof of an erasure reads every table of every database from outside; the local stack makes databases and roles."""


class Statement(NamedTuple):
    """One literal that is SQL; what an f-string fills in reads as `{}`."""

    line: int
    sql: str


def statements(module: Module) -> Iterator[Statement]:
    """Every literal that looks like a statement, or is handed to a connection; docstrings are none."""
    inner = {id(part) for node in module.nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    prose = {
        id(node.value) for node in module.nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    handed = {
        id(node.args[0])
        for node in module.nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _METHODS
        and node.args
    }
    for node in module.nodes:
        if id(node) in inner or id(node) in prose:
            continue
        text = _literal(node)
        if text is not None and (_STATEMENT.search(text) or (id(node) in handed and " " in text)):
            yield Statement(getattr(node, "lineno", 1), text)


def tables_named(sql: str) -> set[str]:
    """Tables that a statement names; `{}` stands for a name that is computed."""
    if sql.startswith(("GRANT", "REVOKE")):
        return set()  # FROM names a role there
    made = set(_CTE.findall(sql))
    found: set[str] = set()
    for match in _NAMED.finditer(sql):
        name = "{}" if "{" in match["name"] else match["name"].rpartition(".")[2]
        if match["call"] and not sql[: match.start("name")].rstrip().endswith(("INTO", "TABLE", "EXISTS")):
            continue  # a function of rows
        if name not in made and not name.startswith("pg_"):
            found.add(name)
    return found


def _literal(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_literal(part) or "{}" for part in node.values)
    return None


def _outside_its_table(module: Module) -> Iterator[Breach]:
    if module.name in _GENERATED or module.in_rig or module.name.startswith(_SEES_WHOLE_DATABASES):
        return
    for line, sql in statements(module):
        for table in sorted(tables_named(sql) - {_NAMED_OTHERWISE.get(module.name, module.stem)}):
            where = "a computed table" if table == "{}" else f"table {table}"
            yield line, f"SQL that names {where}, in the module {module.stem}"


def _unnamed_columns(module: Module) -> Iterator[Breach]:
    yield from ((line, "columns that are not named (*)") for line, sql in statements(module) if _STAR.search(sql))


def _asks_the_server_for_time(module: Module) -> Iterator[Breach]:
    for line, sql in statements(module):
        match = _CLOCK.search(sql)
        if match:
            yield line, f"{match[0]} in SQL"


def asks_for_time(sql: str) -> bool:
    """Whether a migration lets the server say what time it is."""
    return _CLOCK.search(sql) is not None


def _table(stem: str, sql: str) -> Module:
    return Module(f"profile_service.{stem}", f"async def act(c):\n    await c.fetch({sql!r})\n")


LAWS: Final = (
    Law(
        "a statement lives in the module of its table",
        "one place tells everything that reads or writes a table: move it there, as a typed function. "
        "Statements generated from a holder's declaration are exempt",
        _outside_its_table,
        refused=(
            _table("api", "SELECT name FROM accounts WHERE id = $1"),
            _table("accounts", "UPDATE accounts SET a = 1 FROM interests WHERE b = 2"),
            _table("accounts", "DELETE FROM interests"),
            _table("accounts", "WITH gone AS (DELETE FROM interests RETURNING id) SELECT count(*) FROM gone"),
            _table("accounts", "insert into accounts select id FROM interests"),
            Module("profile_service.api", "QUERY = f'SELECT name FROM {table} WHERE id = $1'\n"),
        ),
        allowed=(
            _table("accounts", "SELECT a FROM accounts WHERE b = $1 ORDER BY a FOR UPDATE"),
            _table("accounts", "INSERT INTO accounts (a) SELECT x FROM unnest($1::int[]) AS x"),
            _table("accounts", "WITH gone AS (DELETE FROM accounts RETURNING 1) SELECT count(*) FROM gone"),
            _table("accounts", "INSERT INTO accounts (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET a = excluded.a"),
            Module("profile_service.api", '"""Reads who registered. SELECT nothing FROM nowhere."""\n'),
            Module("profile_service.api", "raise Problem('Choose another name from the list')\n"),
        ),
    ),
    Law(
        "columns are named",
        "a column that a migration adds must not change what a statement answers",
        _unnamed_columns,
        refused=(
            _table("accounts", "SELECT * FROM accounts"),
            _table("accounts", "SELECT a.* FROM accounts AS a"),
            _table("accounts", "DELETE FROM accounts RETURNING *"),
        ),
        allowed=(_table("accounts", "SELECT count(*) AS n FROM accounts"),),
    ),
    Law(
        "time is injected",
        "years of retention run in minutes because no statement asks the server what time it is: pass tx.now()",
        _asks_the_server_for_time,
        refused=(
            _table("accounts", "UPDATE accounts SET seen = now() WHERE id = $1"),
            _table("accounts", "SELECT id FROM accounts WHERE due < CURRENT_TIMESTAMP"),
        ),
        allowed=(_table("accounts", "SELECT id FROM accounts WHERE due < $1"),),
    ),
)
