"""Migrations only add, never ask the server for the time, and pass the linter: old versions of a service go on running."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from .house import migration_files, shown
from .laws_of_sql import asks_for_time

EXCLUDED = {
    "require-lock-timeout": "the runner holds the advisory lock and no other, and its client ends a statement after 10 s",
    "require-statement-timeout": "the same bound",
    "prefer-bigint-over-int": "partitions, attempts and status codes are small; what grows is bigint",
}
"""Rules of the linter that this house does without, and why."""

_CONTRACTS = re.compile(
    r"\b(DROP\s+(TABLE|COLUMN|CONSTRAINT)|RENAME\s+(TO|COLUMN)|ALTER\s+COLUMN\s+\S+\s+TYPE)\b", re.IGNORECASE
)
_SAYS_SO = re.compile(r"--.*\bunused since \d{4}\b|DROP CONSTRAINT \w+; -- a wider one stands below")


def contractions(sql: str) -> list[str]:
    """Lines that take away without naming the migration since which nothing uses it."""
    return [line.strip() for line in sql.splitlines() if _CONTRACTS.search(line) and not _SAYS_SO.search(line)]


def _lint(files: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    squawk = Path(sys.executable).parent / "squawk"
    excluded = [part for rule in EXCLUDED for part in ("--exclude", rule)]
    return subprocess.run(
        [
            str(squawk),
            "--pg-version",
            "15",
            "--assume-in-transaction",
            "--reporter",
            "gcc",
            *excluded,
            *map(str, files),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_every_migration_passes_the_linter() -> None:
    done = _lint(migration_files())
    assert done.returncode == 0, f"locks that stop a service, or changes that break its old version:\n{done.stdout}"


def test_a_migration_that_would_break_an_old_version_is_found(tmp_path: Path) -> None:
    bad = tmp_path / "0002_bad.sql"
    bad.write_text("ALTER TABLE accounts ADD COLUMN b text NOT NULL;\n")
    done = _lint([bad])
    assert done.returncode != 0
    assert "adding-required-field" in done.stdout


@pytest.mark.parametrize("path", migration_files(), ids=shown)
def test_a_migration_only_adds_and_asks_no_clock(path: Path) -> None:
    sql = path.read_text(encoding="utf-8")
    assert not asks_for_time(sql), "time is injected: let the application write it"
    assert contractions(sql) == [], "expand first; take away in a later migration, with `-- unused since 0003`"


def test_a_migration_that_takes_away_in_silence_is_found() -> None:
    assert contractions("ALTER TABLE a DROP COLUMN b;") == ["ALTER TABLE a DROP COLUMN b;"]
    assert contractions("ALTER TABLE a RENAME COLUMN b TO c;")
    assert contractions("ALTER TABLE a DROP COLUMN b; -- unused since 0003") == []
    assert contractions("ALTER TABLE a DROP CONSTRAINT b; -- a wider one stands below") == []
    assert contractions("ALTER TABLE a DROP COLUMN b; -- a wider one stands below")
    assert asks_for_time("CREATE TABLE a (at timestamptz DEFAULT now());")
