"""Knows the shapes in which JSON-LD may write one thing: one or many, a text or a node, a reference into a graph."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy

from pydantic import JsonValue

from tillit_cli.import_file import numbered

KEYWORDS = frozenset({"@context", "@type", "@id"})
_PREFIXES = ("https://schema.org/", "http://schema.org/", "schema:")


def nodes_of(document: JsonValue, kind: str) -> Iterator[tuple[int, JsonValue]]:
    """The items of a document with their index: of its `@graph` if it has one, else of its list, else itself.

    In a graph, nodes of another kind that some node refers to are material, not items; references to them from an
    item's own fields are replaced by them, one hop deep so that no file can unfold without end.
    """
    graph = document.get("@graph") if isinstance(document, dict) else None
    if not isinstance(graph, list):
        yield from numbered(document)
        return
    named = {node_id: node for node in graph if isinstance(node, dict) and isinstance(node_id := node.get("@id"), str)}
    referred = {
        target
        for node in graph
        if isinstance(node, dict)
        for value in node.values()
        for part in many(value)
        if (target := _reference(part)) is not None
    }
    for index, node in enumerate(graph):
        if not isinstance(node, dict):
            yield index, node
        elif is_a(node, kind) or node.get("@id") not in referred:
            whole = copy(node)
            for field, value in node.items():
                whole[field] = _followed(value, named)
            yield index, whole


def is_a(node: dict[str, JsonValue], kind: str) -> bool:
    """Whether a node's type, or one of its types, is this schema.org type."""
    types = [name for name in many(node.get("@type")) if isinstance(name, str)]
    return any(name == kind or name in [prefix + kind for prefix in _PREFIXES] for name in types)


def many(value: JsonValue) -> list[JsonValue]:
    """The values of a field that holds none, one or a list of them."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def one(value: JsonValue) -> JsonValue:
    """The first of a field's values, or nothing."""
    values = many(value)
    return values[0] if values else None


def text_of(value: JsonValue) -> JsonValue:
    """The text of a value object (`@value`), of a PropertyValue (`value`) or of a named thing (`name`)."""
    if isinstance(value, dict):
        for field in ("@value", "value", "name"):
            if field in value:
                return text_of(value[field])
    return value


def _reference(value: JsonValue) -> str | None:
    if isinstance(value, dict) and len(value) == 1:
        target = value.get("@id")
        return target if isinstance(target, str) else None
    return None


def _followed(value: JsonValue, named: dict[str, dict[str, JsonValue]]) -> JsonValue:
    if isinstance(value, list):
        return [_followed_once(part, named) for part in value]
    return _followed_once(value, named)


def _followed_once(value: JsonValue, named: dict[str, dict[str, JsonValue]]) -> JsonValue:
    target = _reference(value)
    return value if target is None else named.get(target, value)
