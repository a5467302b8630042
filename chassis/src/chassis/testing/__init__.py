"""Knows how a service is tested: real Kafka and PostgreSQL in containers, a database and a set of topics per test.

Public: the names below, and the fixtures of `chassis.testing.plugin` (`kafka`, `postgres`, `topic_prefix`, `keyring`).
`pip install 'tillit-chassis[testing]'` brings what they need; docs/guides/testing-a-service.md shows each in use.
"""

from chassis.clock import MovedClock
from chassis.testing.containers import Kafka, Postgres
from chassis.testing.databases import Database, fresh_database
from chassis.testing.declared import read_schema, undeclared
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import (
    Identities,
    Surroundings,
    another_process,
    deliver,
    open_service,
    running,
    seal_event,
    surroundings,
)

__all__ = [
    "Database",
    "Identities",
    "Kafka",
    "KeyringServer",
    "MovedClock",
    "Postgres",
    "Surroundings",
    "another_process",
    "deliver",
    "fresh_database",
    "open_service",
    "read_schema",
    "running",
    "seal_event",
    "surroundings",
    "undeclared",
]
