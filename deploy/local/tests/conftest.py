"""Real processes on free ports, in a folder that PostgreSQL's user can reach; nothing is replaced by a double."""

import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from chassis.testing.containers import free_port
from local_stack.ports import Ports, port_names
from local_stack.stack import Stack
from local_stack.state_folder import StateFolder

SUPERVISOR = Path(__file__).with_name("standin_supervisor.py")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "downloads: needs Java and Maven, and fetches Apache Kafka once")


@contextmanager
def _empty_state() -> Generator[StateFolder]:
    """Not under pytest's own folder, which only its user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="tillit-stack-"))
    folder.chmod(0o755)
    made = StateFolder(folder / "state")
    made.make()
    yield made
    shutil.rmtree(folder)


@pytest.fixture
def state() -> Iterator[StateFolder]:
    """An empty state folder."""
    with _empty_state() as made:
        yield made


@pytest.fixture(scope="module")
def shared_state() -> Iterator[StateFolder]:
    """The state folder of a server that the tests of a file share."""
    with _empty_state() as made:
        yield made


_OWN_PORTS = range(10_000, 12_500)


@pytest.fixture
def ports() -> Ports:
    return _free_ports(but=Ports())


@pytest.fixture(scope="module")
def shared_ports() -> Ports:
    return _free_ports(but=Ports())


@pytest.fixture
def other_ports(ports: Ports) -> Ports:
    """For a second stack beside the first."""
    return _free_ports(but=ports)


def _free_ports(but: Ports) -> Ports:
    """Free ports, all different, and none that anybody else takes while a server is being started again."""
    taken = {number for _, number in but.items()}
    numbers: set[int] = set()
    while len(numbers) < len(port_names()):
        numbers |= {free_port(_OWN_PORTS)} - taken
    return Ports().with_changes(dict(zip(port_names(), numbers, strict=True)))


@pytest.fixture
def stack(state: StateFolder) -> Iterator[Stack]:
    """A stack whose four services are small stand-ins; ended and wiped afterwards."""
    made = Stack(state.root, [sys.executable, str(SUPERVISOR)])
    yield made
    made.down(wipe=True)
