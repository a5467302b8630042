"""Finds what of a schema change would make records already written, or readers already deployed, wrong.

`python -m contracts.compatibility` compares this checkout's events with those of the last commits, or with
`--against` a git ref or a folder of schemas. Why so: docs/decisions/0002-schema-compatibility.md.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, cast

from contracts.envelope_schema import ENVELOPE_PATH, envelope_schema
from contracts.generate import FOLDER
from contracts.registry import EVENTS
from contracts.schema_baseline import NoBaseline, baseline_of_folder, baseline_of_ref
from contracts.schema_narrowing import Change, narrowed, reachable
from contracts.wire_schema import JsonObject, body_schemas, json_object

DEFAULT_BASELINES: Final = ("HEAD", "HEAD~1")
"""The last commit guards the working tree; the one before guards a commit that CI has just checked out."""
CURE: Final = "keep the old class and add a new one beside it (a `V2` suffix), or give a new field a default"

_AGREED: Final = {
    "x-topic": "the topic changed: readers of the old one would miss it",
    "x-key": "the record key changed: the order of its events would be lost",
    "x-subjects": "the people it is about are named by other fields: other keys, other locks",
    "x-category": "the category changed: another key and another clock",
}


def breaking_changes(old: JsonObject, new: JsonObject) -> list[Change]:
    """Every change that a reader of the new schema, or of the old records, would notice; empty when it only widens."""
    changes = [Change(name, reason) for name, reason in _AGREED.items() if old.get(name) != new.get(name)]
    moved = _moved(_homes(old), _homes(new))
    changes += moved
    explained = {change.field for change in moved} | {"sealed"}
    for change in narrowed(old, new, old, new, ""):
        if change.field not in explained:
            changes.append(change)
    old_sealed, new_sealed = _sealed(old), _sealed(new)
    for category in sorted(old_sealed.keys() | new_sealed.keys()):
        if category not in new_sealed:
            changes.append(Change(f"sealed.{category}", "the blob of this category was removed"))
        elif category not in old_sealed:
            changes.append(Change(f"sealed.{category}", "a blob of a new category: older records have none"))
        else:
            before, after = old_sealed[category], new_sealed[category]
            changes += [change for change in narrowed(before, after, old, new, "") if change.field not in explained]
    return changes


def breaking_changes_of_all(old: Mapping[str, JsonObject], new: Mapping[str, JsonObject]) -> dict[str, list[Change]]:
    """The breaking changes by path of the schema; a schema that is gone is one."""
    found: dict[str, list[Change]] = {}
    for path, schema in sorted(old.items()):
        changes = breaking_changes(schema, new[path]) if path in new else [Change("body", "the event was removed")]
        if changes:
            found[path] = changes
    return found


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0, 1 when a committed schema would break, 2 when the baseline asked for can't be read."""
    parser = argparse.ArgumentParser(prog="python -m contracts.compatibility", description=__doc__)
    parser.add_argument("--against", action="append", help="a git ref, or a folder of schemas (default: HEAD, HEAD~1)")
    asked = cast("list[str] | None", parser.parse_args(arguments).against)
    current = {**body_schemas(EVENTS), ENVELOPE_PATH: envelope_schema()}
    broken = False
    for against in asked or DEFAULT_BASELINES:
        try:
            old = baseline_of_folder(Path(against)) if Path(against).is_dir() else baseline_of_ref(FOLDER, against)
        except NoBaseline as missing:
            sys.stderr.write(f"{against}: {missing}\n")
            if asked:
                return 2
            continue
        for path, changes in breaking_changes_of_all(old, current).items():
            broken = True
            for change in changes:
                sys.stderr.write(f"contracts/{path}: {change.field}: {change.reason} (against {against})\n")
    if broken:
        sys.stderr.write(f"a breaking change: {CURE}\n")
    return 1 if broken else 0


def _sealed(schema: JsonObject) -> dict[str, JsonObject]:
    blobs = json_object(schema.get("x-sealed", {}))
    return {category: json_object(payload) for category, payload in blobs.items()}


def _homes(schema: JsonObject) -> dict[str, str]:
    """Where each top-level field travels: plain, or in the blob of a category."""
    homes = dict.fromkeys(reachable(schema), "plain")
    for category, payload in _sealed(schema).items():
        homes.update(dict.fromkeys(reachable(payload), category))
    homes.pop("sealed", None)
    return homes


def _moved(old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    changes: list[Change] = []
    for name, home in old.items():
        now = new.get(name, home)
        if now == home:
            continue
        if now == "plain":
            changes.append(Change(name, f"was personal ({home}) and would travel in the clear"))
        elif home == "plain":
            changes.append(Change(name, f"was plain and would be sealed ({now})"))
        else:
            changes.append(Change(name, f"moved from category {home} to {now}"))
    return changes


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
