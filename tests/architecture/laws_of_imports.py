"""Who may import whom, and what only the chassis may touch."""

import ast
import sys
from collections.abc import Iterator
from typing import Final

from .house import PACKAGES, RIG, SERVICES, Module
from .law import Breach, Law

_FROM_CONTRACTS: Final = frozenset(
    {"envelope", "event", "personal", "privacy", "purposes", "receipts", "registry", "topics", "wire"}
)
"""What speaks no domain noun: the form of events, topics, purposes, and the privacy protocol."""


def imported(module: Module) -> Iterator[tuple[int, str]]:
    """Every absolute import, as dotted names; `from a import b` is told as `a.b`."""
    for node in module.nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _of_another_service(module: Module) -> Iterator[Breach]:
    if not module.in_service:
        return
    for line, name in imported(module):
        other = name.partition(".")[0]
        if other != module.package and (other in SERVICES.values() or other in {"tillit_cli", "local_stack"}):
            yield line, f"imports {name}"


def _chassis_from_contracts(module: Module) -> Iterator[Breach]:
    if module.package != "chassis" or module.in_rig:
        return
    for line, name in imported(module):
        top, _, rest = name.partition(".")
        if top in SERVICES.values():
            yield line, f"imports {name}"
        if top == "contracts" and rest.partition(".")[0] not in _FROM_CONTRACTS:
            yield line, f"imports {name}"


def _contracts_outward(module: Module) -> Iterator[Breach]:
    if module.package != "contracts":
        return
    for line, name in imported(module):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in {"contracts", "pydantic", "pydantic_core"}:
            yield line, f"imports {name}"


def _the_rig(module: Module) -> Iterator[Breach]:
    if module.in_rig:
        return
    for line, name in imported(module):
        if name == RIG or name.startswith(RIG + ".") or name.partition(".")[0] in {"pytest", "testcontainers"}:
            yield line, f"imports {name}"


def _faststream_outside_the_chassis(module: Module) -> Iterator[Breach]:
    if module.package == "chassis":
        return
    for line, name in imported(module):
        if name.partition(".")[0] == "faststream":
            yield line, f"imports {name}"
    for node in module.nodes:
        if isinstance(node, ast.Attribute) and node.attr in {"subscriber", "publisher"}:
            yield node.lineno, f"uses .{node.attr}"


def _beside(package: str, text: str) -> Module:
    return Module(f"{package}.example", text)


LAWS: Final = (
    Law(
        "services are islands",
        "a service that imports another can't be deployed, tested or understood alone; say it with an event",
        _of_another_service,
        refused=(
            _beside("profile_service", "from retention_service.erasures import Erasure\n"),
            _beside("audit_log_service", "import notifications_service.app\n"),
            _beside("retention_service", "from local_stack import keys\n"),
        ),
        allowed=(
            _beside("profile_service", "from profile_service.accounts import find\nfrom chassis.sql import borrow\n"),
        ),
    ),
    Law(
        "the chassis knows no domain noun",
        "from contracts it takes the form of events, topics, purposes and the privacy protocol; "
        "what needs a position or a mail to be explained belongs to a service",
        _chassis_from_contracts,
        refused=(
            _beside("chassis", "from contracts.position import PositionPublished\n"),
            _beside("chassis", "from contracts import communication\n"),
            _beside("chassis", "import profile_service\n"),
        ),
        allowed=(_beside("chassis", "from contracts.privacy import ErasureRequested\n"),),
    ),
    Law(
        "contracts import pydantic only",
        "another system reads our events with this package alone; each further dependency becomes its dependency",
        _contracts_outward,
        refused=(_beside("contracts", "import asyncpg\n"), _beside("contracts", "from chassis.clock import Clock\n")),
        allowed=(
            _beside("contracts", "import json\nfrom pydantic import BaseModel\nfrom contracts.event import Event\n"),
        ),
    ),
    Law(
        "nothing that is shipped runs on the test rig",
        "the rig opens Docker and makes up keys",
        _the_rig,
        refused=(
            _beside("local_stack", "from chassis.testing.containers import Kafka\n"),
            _beside("retention_service", "import pytest\n"),
        ),
        allowed=(Module("chassis.testing.example", "from testcontainers.core.container import DockerContainer\n"),),
    ),
    Law(
        "only the chassis subscribes and publishes",
        "FastStream acknowledges first and opens a consumer per subscriber: events would be lost in silence; "
        "declare a reaction on the service, and publish with tx.publish",
        _faststream_outside_the_chassis,
        refused=(
            _beside("profile_service", "from faststream.kafka import KafkaBroker\n"),
            _beside("notifications_service", "@broker.subscriber('position.v1')\nasync def listen(): ...\n"),
        ),
        allowed=(_beside("profile_service", "service.store(ProfileRegistered, on_profile_registered)\n"),),
    ),
)

assert set(SERVICES.values()) <= set(PACKAGES)
