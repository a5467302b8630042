"""Every service is built, started and configured alike: who knows one knows all."""

import ast
import tomllib

import pytest
from contracts.topics import TOPICS

from .built import built, settings_class
from .house import PACKAGES, ROOT, SERVICES


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_started_by_its_app_module(name: str) -> None:
    source = (PACKAGES[SERVICES[name]] / "app.py").read_text(encoding="utf-8")
    last = ast.parse(source).body[-1]
    assert isinstance(last, ast.If), "app.py ends with `if __name__ == '__main__': run(build, …Settings)`"
    assert ast.unparse(last.body[0]) == f"run(build, {settings_class(name).__name__})"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_bears_the_same_name_everywhere(name: str) -> None:
    service = built(name)
    assert service.name == service.holder.name == name
    assert [source.name for source in service.migrations] == ["chassis", name]


@pytest.mark.parametrize("name", SERVICES)
def test_a_services_folder_has_a_readme_and_tests(name: str) -> None:
    folder = PACKAGES[SERVICES[name]].parents[1]
    assert (folder / "README.md").is_file(), "its README tells which promises it keeps"
    assert list((folder / "tests").glob("test_*.py")), f"{name} has no test"


def test_every_topic_is_owned_by_a_service_or_shared_by_design() -> None:
    owners = {topic.owner for topic in TOPICS.values()}
    assert owners - set(SERVICES) == {"every data holder", "every HTTP edge"}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_licensed_and_asks_for_the_python_we_support(package: str) -> None:
    project = tomllib.loads((PACKAGES[package].parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "Apache-2.0"
    assert project["requires-python"] == ">=3.11"
    assert (PACKAGES[package] / "py.typed").is_file(), "it tells type checkers that it is typed"


def test_the_licence_is_the_whole_apache_licence() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
