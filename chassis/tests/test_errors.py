"""Failures of the surroundings are tried again, failures of a record are not, and foreign texts are never printed."""

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError
from asyncpg.exceptions import CheckViolationError, DeadlockDetectedError, UniqueViolationError
from chassis.errors import KeyringUnavailable, OffsetMoved, SubjectGone, is_transient, reason
from chassis.logs import SafeError

from .town import Town

PASSING = [
    KeyringUnavailable("the keyring did not answer"),
    ConnectionRefusedError("no"),
    TimeoutError(),
    KafkaConnectionError("no"),
    asyncpg.ConnectionDoesNotExistError("gone"),
    asyncpg.AdminShutdownError("going"),
    asyncpg.TooManyConnectionsError("full"),
    DeadlockDetectedError("twice"),
    asyncpg.LockNotAvailableError("held"),
    asyncpg.QueryCanceledError("slow"),
    asyncpg.ReadOnlySQLTransactionError("standby"),
]
STAYING = [
    ValueError("no"),
    SubjectGone("gone"),
    OffsetMoved("moved"),
    UniqueViolationError("twice"),
    CheckViolationError("never"),
    asyncpg.UndefinedTableError("none"),
    asyncpg.CharacterNotInRepertoireError("NUL"),
]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_a_failure_of_the_surroundings_is_tried_again(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize("error", STAYING, ids=lambda error: type(error).__name__)
def test_a_failure_of_the_record_itself_is_not_tried_again(error: Exception) -> None:
    assert not is_transient(error)


async def test_a_value_that_the_client_cannot_encode_stays_wrong(town: Town) -> None:
    """The client calls it an error of its interface, as it does a closed connection."""
    async with town.service.database.transaction(keys=()) as tx:
        for sql, value in (("SELECT $1::int", 2**40), ("SELECT $1::int", "one"), ("SELECT $1::uuid", "none")):
            with pytest.raises(Exception, match="invalid input for query argument") as caught:
                await tx.fetchval(sql, value)
            assert not is_transient(caught.value)


def test_only_texts_of_our_own_are_ever_a_reason() -> None:
    assert reason(SafeError("a sealed blob is too short")) == "a sealed blob is too short"
    assert reason(ValueError("Kari Nordmann is not a number")) == "ValueError"
    assert reason(UniqueViolationError("Key (email)=(kari@post.example) already exists.")) == "UniqueViolationError"
