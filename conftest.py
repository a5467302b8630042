"""Every test of the workspace may ask for the rig's servers by name."""

import contracts  # noqa: F401 - importlib mode would take the folder contracts/ for the package

pytest_plugins = ["chassis.testing.plugin"]
