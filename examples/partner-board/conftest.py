"""Asks for the rig: real Kafka and PostgreSQL in containers, topics and a keyring of each test's own."""

pytest_plugins = ["chassis.testing.plugin"]
