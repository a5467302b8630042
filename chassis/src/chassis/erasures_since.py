"""Asks retention which erasures this service carried out since a moment, and carries them out again: a database that
was restored from before has forgotten them."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Final

import httpx
from contracts.privacy import ErasureRequested
from pydantic import BaseModel

from chassis.database import Database
from chassis.errors import KeyringUnavailable
from chassis.holders import Holder
from chassis.keys import KEYRING
from chassis.network import refuse_in_transaction
from chassis.reactions import Single
from chassis.sql import borrow
from chassis.tokens import Signer

PATH: Final = "/erasures/since"


class ErasuresSince(BaseModel):
    """Requests that the caller answered since the moment it named, oldest answer first; `next` asks for the rest."""

    items: Sequence[ErasureRequested]
    next: str | None


class ErasureLedger:
    """Retention's record of erasures, as one holder may read it: its own part only."""

    def __init__(self, http: httpx.AsyncClient, signer: Signer) -> None:
        self._http = http
        self._signer = signer

    async def since(self, moment: datetime) -> AsyncGenerator[Sequence[ErasureRequested]]:
        """Page by page.

        Raises:
            KeyringUnavailable: retention can't be asked now, or is not whole itself.
        """
        query = {"moment": moment.isoformat()}
        while True:
            page = ErasuresSince.model_validate_json(await self._ask(query))
            yield page.items
            if page.next is None:
                return
            query["cursor"] = page.next

    async def _ask(self, query: dict[str, str]) -> bytes:
        refuse_in_transaction("asking retention for erasures")
        headers = {"Authorization": f"Bearer {self._signer.internal(KEYRING)}"}
        try:
            response = await self._http.get(PATH, params=query, headers=headers)
        except (httpx.HTTPError, AttributeError) as error:
            raise KeyringUnavailable(f"retention did not answer ({type(error).__name__})") from None
        if response.status_code != HTTPStatus.OK:
            raise KeyringUnavailable(f"retention answered {response.status_code} to {PATH}")
        return response.content


async def carry_out_again(
    ledger: ErasureLedger, database: Database, holder: Holder, erase: Single[ErasureRequested], since: datetime
) -> int:
    """Erase as on the request itself; retention drops the repeated answers. The answer is how many there were.

    Raises:
        Exception: one of `chassis.errors.TRANSIENT`; what was erased stays so, begin anew.
    """
    count = 0
    async for page in ledger.since(since):
        for request in page:
            async with borrow(database.pool) as connection:
                held = await holder.keys_of_held(connection, [request])
            names = [*database.keys.names_for([request.subject_id]), *held]
            async with database.transaction([request.subject_id], keys=names) as tx:
                await erase(request, tx)
            count += 1
    return count
