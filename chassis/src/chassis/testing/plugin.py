"""The pytest plugin of the rig: servers start when the first test asks, and tests that ask are marked `containers`.

`pytest_plugins = ["chassis.testing.plugin"]` in a project's outermost conftest.py asks for it.
"""

import uuid
from collections.abc import AsyncGenerator, Callable, Generator
from typing import TypeVar

import pytest
import pytest_asyncio
from _pytest.capture import CaptureManager

from chassis.testing.containers import Disturbable, Kafka, Postgres, start_kafka, start_postgres
from chassis.testing.keyring import KeyringServer

_SERVER_FIXTURES = {"kafka", "postgres"}
_SERVERS = pytest.StashKey[list[Disturbable]]()

Server = TypeVar("Server", bound=Disturbable)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_SERVERS] = []
    config.addinivalue_line("markers", "containers: needs a Docker engine")
    config.addinivalue_line("markers", "cluster: needs a Kubernetes cluster, run by name only")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and _SERVER_FIXTURES.intersection(item.fixturenames):
            item.add_marker("containers")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """A test that failed while a server was paused or down takes no later test with it."""
    for server in item.config.stash[_SERVERS]:
        server.revive()


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> Generator[Kafka]:
    """A Kafka broker; the topics are the test's own business, named under `topic_prefix`."""
    yield from for_the_session(pytestconfig, start_kafka)


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Generator[Postgres]:
    """A PostgreSQL server; see `chassis.testing.databases` for a database of one's own."""
    yield from for_the_session(pytestconfig, start_postgres)


@pytest_asyncio.fixture
async def topic_prefix(kafka: Kafka) -> AsyncGenerator[str]:
    """A prefix no other test has; every topic under it is deleted when the test ends."""
    prefix = f"t{uuid.uuid4().hex[:10]}."
    yield prefix
    await kafka.delete_topics_of(prefix)


@pytest_asyncio.fixture
async def keyring() -> AsyncGenerator[KeyringServer]:
    """A keyring with no keys yet, over real HTTP; `make` and `destroy` are what registration and erasure would do."""
    async with KeyringServer() as serving:
        yield serving


def for_the_session(config: pytest.Config, start: Callable[[], Server]) -> Generator[Server]:
    """A server that starts now, is revived after every test that left it disturbed, and goes with the session."""
    # what is installed, pulled or built takes minutes the first time: it must be seen, not captured
    capture = config.pluginmanager.getplugin("capturemanager")
    assert isinstance(capture, CaptureManager)
    with capture.global_and_fixture_disabled():
        server = start()
    config.stash[_SERVERS].append(server)
    yield server
    config.stash[_SERVERS].remove(server)
    server.stop()
