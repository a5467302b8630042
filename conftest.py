"""Every test of the workspace may ask for the rig's servers by name."""

pytest_plugins = ["chassis.testing.plugin"]
