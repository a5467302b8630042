"""Asks the keyring again and again which keys were destroyed: what a push did not bring is dropped within seconds."""

import asyncio
from typing import NoReturn

from chassis.errors import KeyringUnavailable
from chassis.keys import PULL_SECONDS, SubjectKeys
from chassis.logs import get_logger

_log = get_logger()


async def follow_destroyed(keys: SubjectKeys, every_seconds: float = PULL_SECONDS) -> NoReturn:
    """Until cancelled. A keyring that does not answer is asked again; meanwhile what is cached ages as it always does."""
    away = False
    while True:
        try:
            await keys.pull_destroyed()
            away = False
        except KeyringUnavailable as error:
            if not away:
                _log.warning("keys.pull_failed", error=str(error))
            away = True
        await asyncio.sleep(every_seconds)
