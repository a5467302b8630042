"""The chaos tests' own servers, which can be cut off and whose disks can be filled, in place of the session's."""

from collections.abc import Generator
from typing import cast

import pytest
from chassis.testing.containers import start_kafka, start_postgres
from chassis.testing.plugin import for_the_session

from tests.chaos.servers import ChaosKafka, ChaosPostgres


@pytest.fixture(scope="package")
def kafka(pytestconfig: pytest.Config) -> Generator[ChaosKafka]:
    yield from for_the_session(pytestconfig, lambda: cast("ChaosKafka", start_kafka(ChaosKafka)))


@pytest.fixture(scope="package")
def postgres(pytestconfig: pytest.Config) -> Generator[ChaosPostgres]:
    yield from for_the_session(pytestconfig, lambda: cast("ChaosPostgres", start_postgres(ChaosPostgres)))
