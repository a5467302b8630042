"""Somebody registered, in the transaction that uses their keys: these are used, and no sweep takes them."""

from chassis.transaction import Transaction
from contracts.personal import Category
from contracts.profile import ProfileRegistered

from retention_service import subject_keys


async def on_profile_registered(event: ProfileRegistered, tx: Transaction) -> None:
    await subject_keys.confirm(tx.connection, event.subject_id, list(Category))
