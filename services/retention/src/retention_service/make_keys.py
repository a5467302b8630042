"""Makes a person's keys, once: repeating it gives the same keys, and a destroyed one stays destroyed.

A single thing's key is not made either once its category is destroyed. Whoever makes one holds the person's lock, as the
destruction does, so that none is made beside it.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chassis.keys import KeyName
from chassis.sealing import KEY_BYTES
from chassis.transaction import Transaction

from retention_service import rotations, subject_keys
from retention_service.kek_store import KekStore
from retention_service.subject_keys import NewKey, SubjectKey


class MadeKeys(NamedTuple):
    """How many were new, and all of them."""

    made: int
    keys: Mapping[KeyName, SubjectKey]


async def make_keys(tx: Transaction, store: KekStore, names: Sequence[KeyName], *, confirmed: bool = True) -> MadeKeys:
    """Make what does not exist yet, and read all. Of keys by category the key's own row is the lock.

    What is made for another service is not `confirmed`: its use is told later, or it is swept (`sweep_unused_keys`).

    Raises:
        BadKeks: no key-encryption key that a new key may be wrapped under is there.
    """
    keks = store.writing(await rotations.newest_for_writing(tx.connection))
    new = [NewKey(name, keks.wrap(*name, secrets.token_bytes(KEY_BYTES))) for name in names]
    made = await subject_keys.insert_new(tx.connection, new, tx.now(), confirmed=confirmed)
    return MadeKeys(made, await subject_keys.find(tx.connection, names))
