"""Knows where the house keeps its product code and its migrations, and reads each module once."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

PACKAGES: Final[Mapping[str, Path]] = MappingProxyType(
    {
        "contracts": ROOT / "contracts/src/contracts",
        "chassis": ROOT / "chassis/src/chassis",
        "profile_service": ROOT / "services/profile/src/profile_service",
        "notifications_service": ROOT / "services/notifications/src/notifications_service",
        "audit_log_service": ROOT / "services/audit-log/src/audit_log_service",
        "retention_service": ROOT / "services/retention/src/retention_service",
        "tillit_cli": ROOT / "cli/src/tillit_cli",
        "local_stack": ROOT / "deploy/local/src/local_stack",
    }
)
"""Every import package that is shipped, and its folder."""

SERVICES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "profile": "profile_service",
        "notifications": "notifications_service",
        "audit-log": "audit_log_service",
        "retention": "retention_service",
    }
)
"""Every service by its name on the wire, and its package."""

EXAMPLES: Final[Mapping[str, Path]] = MappingProxyType(
    {"partner_board_service": ROOT / "examples/partner-board/src/partner_board_service"}
)
"""Packages that are not shipped, and are read by who writes a service beside ours: they keep the same laws."""

RIG: Final = "chassis.testing"
"""The test rig: shipped with the chassis for who tests a service, and imported by nothing that is shipped."""

_CREATED = re.compile(r"CREATE TABLE\s+(?:IF NOT EXISTS\s+)?([a-z_][a-z0-9_]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Module:
    """One source file under its dotted name."""

    name: str
    text: str

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]

    @property
    def stem(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def in_rig(self) -> bool:
        return self.name == RIG or self.name.startswith(RIG + ".")

    @property
    def in_service(self) -> bool:
        return self.package in SERVICES.values()

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.text)))


@cache
def product_modules() -> tuple[Module, ...]:
    """Every module of every package, the rig's too."""
    return tuple(module for package, folder in PACKAGES.items() for module in _modules(package, folder))


@cache
def example_modules() -> tuple[Module, ...]:
    """Every module of the examples."""
    return tuple(module for package, folder in EXAMPLES.items() for module in _modules(package, folder))


def _modules(package: str, folder: Path) -> Iterator[Module]:
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        names = (package, *(part for part in parts if part != "__init__"))
        yield Module(".".join(names), path.read_text(encoding="utf-8"))


@cache
def migration_files() -> tuple[Path, ...]:
    return tuple(
        sorted(path for folder in (*PACKAGES.values(), *EXAMPLES.values()) for path in folder.glob("migrations/*.sql"))
    )


@cache
def known_tables() -> frozenset[str]:
    """Every table of every service; `migrations` is made by the runner itself."""
    created = {name for path in migration_files() for name in _CREATED.findall(path.read_text(encoding="utf-8"))}
    return frozenset(created | {"migrations"})


@cache
def files_of_tests() -> tuple[Path, ...]:
    """Every test module of the workspace."""
    packages = (*PACKAGES.values(), *EXAMPLES.values())
    folders = [ROOT / "tests", *(folder.parents[1] / "tests" for folder in packages)]
    return tuple(sorted(path for folder in folders for path in folder.rglob("test_*.py")))


def shown(path: Path) -> str:
    """A path as it is told to a reader."""
    return str(path.relative_to(ROOT))
