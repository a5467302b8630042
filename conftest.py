"""Every test of the workspace may ask for the rig's servers by name.

`contracts` is loaded as a plugin, because importlib mode would take the folder `contracts/` for the package.
"""

pytest_plugins = ["contracts", "chassis.testing.plugin"]
