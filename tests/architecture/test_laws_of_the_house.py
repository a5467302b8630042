"""The laws of the house hold in every module that is shipped, and each law finds what breaks it."""

from collections.abc import Sequence
from importlib import import_module

import pytest

from . import laws_of_imports, laws_of_shape, laws_of_sql
from .house import Module, example_modules, product_modules
from .law import Law, told

LAWS = (*laws_of_imports.LAWS, *laws_of_sql.LAWS, *laws_of_shape.LAWS)


def _slug(law: Law) -> str:
    return law.name.replace(" ", "-")


@pytest.mark.parametrize("law", LAWS, ids=_slug)
def test_every_module_keeps_the_law(law: Law) -> None:
    breaches = [breach for module in (*product_modules(), *example_modules()) for breach in told(law, module)]
    assert not breaches, "\n".join(["", *breaches])


@pytest.mark.parametrize(
    ("law", "module"), [pytest.param(law, module, id=_slug(law)) for law in LAWS for module in law.refused]
)
def test_a_module_that_breaks_the_law_is_found(law: Law, module: Module) -> None:
    found = told(law, module)
    assert found, f"{law.name} does not see this:\n{module.text}"
    assert law.reason in found[0]


@pytest.mark.parametrize(
    ("law", "module"), [pytest.param(law, module, id=_slug(law)) for law in LAWS for module in law.allowed]
)
def test_a_module_that_only_looks_like_a_breach_passes(law: Law, module: Module) -> None:
    assert told(law, module) == []


def test_every_law_has_its_reason_and_is_tested_itself() -> None:
    assert [law.name for law in LAWS if not law.reason or not law.refused] == []
    assert len({law.name for law in LAWS}) == len(LAWS)


def test_the_laws_see_the_whole_house() -> None:
    packages = {module.package for module in product_modules()}
    assert {"contracts", "chassis", "notifications_service", "audit_log_service", "retention_service"} <= packages
    assert len(product_modules()) > 100


@pytest.mark.parametrize("interface", laws_of_shape.IMPLEMENTATIONS)
def test_an_interface_is_implemented_by_the_two_named_classes(interface: str) -> None:
    _check_implementations(interface, laws_of_shape.IMPLEMENTATIONS[interface])


@pytest.mark.parametrize("view", laws_of_shape.TYPES_OF_A_LIBRARY)
def test_a_typed_view_of_a_library_fits_the_library(view: str) -> None:
    _check_implementations(view, (laws_of_shape.TYPES_OF_A_LIBRARY[view],))


def test_an_implementation_that_lacks_a_method_is_found() -> None:
    with pytest.raises(AssertionError, match="find"):
        _check_implementations("chassis.jwks.Keys", ("chassis.clock.SystemClock",))


def _check_implementations(interface: str, implementations: Sequence[str]) -> None:
    promised = [name for name in dir(_named(interface)) if not name.startswith("_")]
    assert promised, f"{interface} promises nothing"
    for implementation in implementations:
        missing = [name for name in promised if not hasattr(_named(implementation), name)]
        assert not missing, f"{implementation} is no {interface}: it lacks {', '.join(missing)}"


def _named(dotted: str) -> type:
    module, _, name = dotted.rpartition(".")
    return getattr(import_module(module), name)
