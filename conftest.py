"""Every test of the workspace may ask for the rig's servers by name; several processes may share the tests out.

`contracts` is loaded as a plugin, because importlib mode would take the folder `contracts/` for the package.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["contracts", "chassis.testing.plugin"]

STACKS = (
    "tests/promises/",
    "tests/drills/",
    "tests/console/",
    "tests/guide/",
    "tests/foreign/",
    "tests/chaos/",
    "cli/",
    "deploy/local/",
)
"""Tests that start whole stacks on ports that they looked up: two of them at once could look up the same."""


class StacksOneByOne(LoadScopeScheduling):
    """`pytest -n`: a file is one process' work, and all that starts stacks is the work of the same one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "stacks" if file.startswith(STACKS) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> StacksOneByOne:
    return StacksOneByOne(config, log)
