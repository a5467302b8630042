"""Writes what is derived from the contracts, and with `--check` proves that what is committed is current.

`python -m contracts.generate` writes `schemas/`, `asyncapi/` and the table of events in `README.md`.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

from pydantic import JsonValue, TypeAdapter

from contracts.asyncapi_documents import SERVICES, Subscriptions, service_document, system_document
from contracts.envelope_schema import ENVELOPE_PATH, envelope_schema
from contracts.event import Event
from contracts.event_table import with_event_table
from contracts.registry import EVENT_BY_TYPE, EVENTS
from contracts.topics import TOPICS
from contracts.wire_schema import body_schemas

FOLDER: Final = Path(__file__).resolve().parents[2]
"""The contracts folder of a checkout. An installed wheel has none, and generates nothing."""
CURE: Final = "run `uv run python -m contracts.generate` and commit the result"
SUBSCRIPTIONS: Final = "asyncapi/subscriptions.json"
README: Final = "README.md"
VERSION: Final = "1.0.0"
"""Version of the AsyncAPI documents' form. Events carry their own versions, in their names."""

_SUBSCRIPTIONS: Final = TypeAdapter(dict[str, frozenset[str]])


def generated_files(events: tuple[type[Event], ...], readme: str, subscriptions: Subscriptions) -> dict[str, str]:
    """The content of every generated file, by its path below the contracts folder."""
    topics = tuple(TOPICS.values())
    files = {path: _json(schema) for path, schema in body_schemas(events).items()}
    files[ENVELOPE_PATH] = _json(envelope_schema())
    files["asyncapi/tillit.json"] = _json(system_document(topics, events, VERSION))
    for service in SERVICES:
        files[f"asyncapi/{service}.json"] = _json(service_document(service, topics, events, VERSION, subscriptions))
    files[README] = with_event_table(readme, events)
    return files


def stale_files(folder: Path) -> list[str]:
    """Generated files that are missing, out of date, or no longer generated; by path below the folder."""
    wanted = _wanted(folder)
    stale = [path for path, content in wanted.items() if _content(folder / path) != content]
    return sorted(stale + _orphans(folder, wanted))


def write_files(folder: Path) -> list[str]:
    """Bring every generated file up to date; the paths that changed."""
    wanted = _wanted(folder)
    changed = stale_files(folder)
    for path in changed:
        target = folder / path
        if path in wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(wanted[path], encoding="utf-8")
        else:
            target.unlink()
    return changed


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0, or 1 when `--check` found something stale."""
    parser = argparse.ArgumentParser(prog="python -m contracts.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is not current")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the contracts folder (default: of this checkout)")
    options = parser.parse_args(arguments)
    folder = cast("Path", options.folder)
    if not (folder / "pyproject.toml").is_file():
        sys.stderr.write("not a contracts folder of a checkout: pass --folder PATH/contracts\n")
        return 2
    if cast("bool", options.check):
        stale = stale_files(folder)
        for path in stale:
            sys.stderr.write(f"contracts/{path} is not current: {CURE}\n")
        return 1 if stale else 0
    for path in write_files(folder):
        sys.stdout.write(f"wrote contracts/{path}\n")
    return 0


def _wanted(folder: Path) -> dict[str, str]:
    return generated_files(EVENTS, _content(folder / README) or "", _subscriptions(folder / SUBSCRIPTIONS))


def _subscriptions(file: Path) -> Subscriptions:
    content = _content(file)
    if content is None:
        return {}
    found = _SUBSCRIPTIONS.validate_json(content)
    unknown = {name for names in found.values() for name in names} - set(EVENT_BY_TYPE)
    if unknown or not set(found) <= set(SERVICES):
        raise ValueError(f"{SUBSCRIPTIONS} names no service or event of ours: {sorted(unknown or found)}")
    return found


def _orphans(folder: Path, wanted: dict[str, str]) -> list[str]:
    present = {f"{place}/{file.name}" for place in ("schemas", "asyncapi") for file in (folder / place).glob("*.json")}
    return sorted(present - set(wanted) - {SUBSCRIPTIONS})


def _content(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None


def _json(document: JsonValue) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
