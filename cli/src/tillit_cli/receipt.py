"""`tillit receipt`: fetch the receipt of an erasure, and check it offline with nothing but public keys."""

import asyncio
import sys
from collections import Counter
from http import HTTPStatus
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer
from chassis.clock import monotonic
from chassis.logs import SafeError
from contracts.receipt_files import BadReceipt, CheckedReceipt, check_receipt
from contracts.receipt_keys import BadReceiptKeys, read_receipt_keys
from local_stack.stack import Stack
from rich.console import Console

from tillit_cli.log import is_signed
from tillit_cli.stack import State

console: Final = Console(soft_wrap=True)
group = typer.Typer(no_args_is_help=True, help="Receipts of erasures: fetch one, and check it offline.")

Url = Annotated[str | None, typer.Option(help="Where the retention service is; the local stack's without it.")]
_SECONDS: Final = 10.0
_AGAIN_SECONDS: Final = 1.0


@group.command()
def verify(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The receipt's file.")],
    keys: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="The public keys, as `tillit receipt keys` writes them.")
    ],
) -> None:
    """Check a receipt offline: what holders signed, and that the public log committed to it. Exit code 1 when not.

    tools/verify_receipt.py does the same without any of this code.
    """
    try:
        checked = check_receipt(file.read_bytes(), read_receipt_keys(keys.read_bytes()), is_signed)
    except (BadReceipt, BadReceiptKeys) as error:
        print(f"REFUSED: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    for line in told(checked):
        console.print(line, markup=False, highlight=False)


@group.command()
def fetch(
    number: Annotated[str, typer.Argument(help="What the link in the last mail ends in.")],
    into: Annotated[Path, typer.Argument(help="Where to write the receipt; nothing may be there yet.")],
    url: Url = None,
    state: State = None,
) -> None:
    """Fetch a receipt, as its bearer does. No key is needed: whoever has the number has the right."""
    content = asyncio.run(fetched(_address(url, state), number))
    with into.open("xb") as file:
        file.write(content)
    console.print(f"Written to {into}.")


@group.command(name="keys")
def write_keys(
    into: Annotated[Path, typer.Argument(help="Where to write the keys; nothing may be there yet.")],
    url: Url = None,
    state: State = None,
) -> None:
    """Write the public keys of the log, its witnesses and the holders. Compare them with those you have from elsewhere."""
    content = asyncio.run(public_keys(_address(url, state)))
    with into.open("xb") as file:
        file.write(content)
    console.print(f"Written to {into}.")


class NotYet(SafeError):
    """There will be a receipt; the text says what it waits for."""


async def awaited(url: str, number: str, *, seconds: float) -> bytes:
    """The receipt's file, as soon as there is one.

    Raises:
        SafeError: there is none, or none within this time; the number is not quoted.
    """
    deadline = monotonic() + seconds
    while True:
        try:
            return await fetched(url, number)
        except NotYet:
            if monotonic() > deadline:
                raise
        await asyncio.sleep(_AGAIN_SECONDS)


async def fetched(url: str, number: str) -> bytes:
    """The receipt's file.

    Raises:
        NotYet: there will be one.
        SafeError: there is none; the number is not quoted.
    """
    answer = await _get(f"{url.rstrip('/')}/receipts/{number}")
    if answer.status_code == HTTPStatus.ACCEPTED:
        raise NotYet(f"the receipt is not there yet ({answer.json()['state']}): ask again later")
    if answer.status_code != HTTPStatus.OK:
        raise SafeError(f"there is no receipt of this number (HTTP {answer.status_code})")
    return answer.content


async def public_keys(url: str) -> bytes:
    """The file of public keys.

    Raises:
        SafeError: the service has none to show.
    """
    answer = await _get(f"{url.rstrip('/')}/receipts/keys")
    if answer.status_code != HTTPStatus.OK:
        raise SafeError(f"the retention service shows no keys (HTTP {answer.status_code}): is TILLIT_LOG_KEY set?")
    return answer.content


def told(checked: CheckedReceipt) -> list[str]:
    """What a receipt proves, line by line."""
    body = checked.receipt.body
    lines = [
        f"The receipt {body.receipt}, edition {body.edition}, proves what it says:",
        f"asked for on {body.requested_on}, done on {body.done_on}: {', '.join(body.categories)}",
    ]
    for name, stated in groupby(body.holders, key=attrgetter("holder")):
        parts, erased = list(stated), Counter[str]()
        for part in parts:
            erased.update(part.rows)
        rows = ", ".join(f"{count} rows of {category}" for category, count in sorted(erased.items()))
        kept = sum(one.records for one in parts[-1].held)
        lines.append(f"  {name} erased {rows or 'nothing, for nothing was there'}; {kept} records are held")
    lines += [
        f"WARNING: {part.holder} was retired on {part.retired_on} and did not answer: see what it held"
        for part in body.retired
    ]
    lines += [
        f"WARNING: {name}, whose key you have, states nothing here: it came later, or was left out"
        for name in checked.silent
    ]
    return [
        *lines,
        f"but for what is held, no living copy can be read since {body.unreadable.live_since},"
        f" and nothing that is sealed in a backup from {body.unreadable.backups_by} on",
        f"{body.recipients.told} recipients were told; {len(body.scans)} later scans are in it",
        f"It stands in the public log {checked.checkpoint.origin}, in its tree of {checked.checkpoint.size} entries.",
    ]


def _address(url: str | None, state: Path | None) -> str:
    return url if url is not None else Stack(state).info().services["retention"]


async def _get(url: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=_SECONDS) as client:
        try:
            return await client.get(url, headers={"Accept": "application/json"})
        except httpx.HTTPError as error:
            raise SafeError(f"the retention service can't be reached: {type(error).__name__}") from None
