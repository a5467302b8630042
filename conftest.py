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
"""Folders whose tests share a whole stack, or would start too many at once."""


class AStackAtATime(LoadScopeScheduling):
    """`pytest -n`: a file is one process' work, and of those folders all that is in them."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in STACKS if file.startswith(folder)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> AStackAtATime:
    return AStackAtATime(config, log)
