"""A whole system of its own, as the tests of promises have one: operators look at running systems."""

from tests.promises.conftest import operator, portal, stack, system, traces

__all__ = ["operator", "portal", "stack", "system", "traces"]
