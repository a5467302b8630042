"""Nobody asks the network, or a second transaction, while holding a person's row."""

import pytest
from chassis.keys import KeyName
from chassis.network import NetworkInTransaction, refuse_in_transaction, transaction_scope
from contracts.personal import Category

from .town import Town


def test_asking_the_network_in_a_transaction_is_refused_by_name() -> None:
    refuse_in_transaction("sending a mail")
    with transaction_scope(), pytest.raises(NetworkInTransaction, match="sending a mail inside a database transaction"):
        refuse_in_transaction("sending a mail")
    refuse_in_transaction("sending a mail")


def test_a_transaction_that_failed_leaves_the_network_free() -> None:
    with pytest.raises(LookupError), transaction_scope():
        raise LookupError
    refuse_in_transaction("sending a mail")


async def test_a_second_transaction_inside_one_is_refused(town: Town) -> None:
    database = town.service.database
    async with database.transaction(keys=()):
        with pytest.raises(NetworkInTransaction, match="a second database transaction"):
            async with database.transaction(keys=()):
                pass
    async with database.transaction(keys=()) as tx:
        assert await tx.fetchval("SELECT 1") == 1


async def test_asking_the_keyring_inside_a_transaction_is_refused(town: Town) -> None:
    subject = town.person()
    async with town.service.database.transaction(keys=()):
        with pytest.raises(NetworkInTransaction, match="asking the keyring"):
            await town.service.keys.fetch([KeyName(subject, Category.USER_INFORMATION)])
        with pytest.raises(NetworkInTransaction, match="asking the keyring"):
            await town.service.keys.make(subject, [Category.USER_INFORMATION])
    found = await town.service.keys.fetch([KeyName(subject, Category.USER_INFORMATION)])
    assert len(found.keys) == 1
