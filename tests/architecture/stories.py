"""Who publishes an event and who reacts to it, read from the code."""

import ast
from collections.abc import Iterable
from typing import Final

from chassis.reactions import Reaction
from contracts.event import Event
from contracts.registry import EVENTS
from contracts.topics import EVERY_EDGE, EVERY_HOLDER

from .house import SERVICES, Module
from .laws_of_shape import dotted

_BY_ANYONE: Final = frozenset({EVERY_HOLDER, EVERY_EDGE})


def snake(event: type[Event]) -> str:
    """`ErasureRequested` as file names say it: `erasure_requested`."""
    stem, _, version = event.type.rpartition(".v")
    return stem.replace(".", "_") + ("" if version == "1" else f"_v{version}")


def makers(event: type[Event], modules: Iterable[Module]) -> list[Module]:
    """The modules that make such an event; what is made is published."""
    return [module for module in modules if event.__name__ in _made(module)]


def foreign_makers(event: type[Event], modules: Iterable[Module]) -> list[Module]:
    """Modules that make an event of a topic that they neither own nor are guests on."""
    if event.topic.owner in _BY_ANYONE:
        return []
    allowed = {package for name, package in SERVICES.items() if event.topic.may_publish(name)}
    return [m for m in makers(event, modules) if (m.in_service and m.package not in allowed) or m.package == "chassis"]


def published_by(package: str, modules: Iterable[Module]) -> set[type[Event]]:
    """Every event that a package makes."""
    names = {name for module in modules if module.package == package and not module.in_rig for name in _made(module)}
    return {event for event in EVENTS if event.__name__ in names}


def reaction_file(reaction: Reaction) -> str:
    """The module that a reaction stands in: `on_x`, or `on_xs` for a batch."""
    return f"on_{snake(reaction.event)}{'s' if reaction.batch is not None else ''}"


def module_of(reaction: Reaction) -> str:
    function = reaction.single or reaction.batch
    return "" if function is None else function.__module__


def _made(module: Module) -> set[str]:
    return {dotted(node.func).rpartition(".")[2] for node in module.nodes if isinstance(node, ast.Call)}
