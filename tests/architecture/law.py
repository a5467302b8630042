"""What a law of the house is: a reason, what finds a breach, and proof that it finds one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from .house import Module

Breach = tuple[int, str]
"""The line, and what is wrong there."""


@dataclass(frozen=True)
class Law:
    """One law. `refused` and `allowed` are the test of its test: modules that break it, and that only look like it."""

    name: str
    reason: str
    breaches: Callable[[Module], Iterator[Breach]]
    refused: Sequence[Module]
    allowed: Sequence[Module] = field(default_factory=tuple[Module, ...])


def told(law: Law, module: Module) -> list[str]:
    """Every breach of a law in a module, as a reader needs it: where, what, and why it matters."""
    return [f"{module.name}:{line}: {what} [{law.name}: {law.reason}]" for line, what in law.breaches(module)]
