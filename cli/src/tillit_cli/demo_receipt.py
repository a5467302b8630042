"""The part of the demo that the erased person sees: the last mail, and behind its link the receipt, checked offline."""

import re
from typing import Final

import httpx
from contracts.receipt_files import CheckedReceipt, check_receipt
from contracts.receipt_keys import read_receipt_keys
from local_stack.stack import StackInfo
from pydantic import BaseModel

from tillit_cli.log import is_signed
from tillit_cli.receipt import awaited, public_keys

_LINK: Final = re.compile(r"/receipts/([\w-]{43})\b")
_SECONDS: Final = 30.0


class NoReceipt(Exception):
    """No mail linked to a receipt. The text says no more."""


class _Mail(BaseModel):
    text: str


class _Page(BaseModel):
    mails: list[_Mail]


async def number_mailed_to(info: StackInfo, address: str) -> str:
    """What the link to the receipt ends in, from the last mail that this address got.

    Raises:
        NoReceipt: there is no such mail.
    """
    async with httpx.AsyncClient(base_url=info.mail_url, trust_env=False) as http:
        answer = await http.get("/api/mails", params={"to": address})
        answer.raise_for_status()
    found = [match[1] for mail in _Page.model_validate_json(answer.content).mails if (match := _LINK.search(mail.text))]
    if not found:
        raise NoReceipt("no mail that the erased person got links to a receipt")
    return found[-1]


async def receipt_mailed_to(info: StackInfo, address: str) -> CheckedReceipt:
    """The receipt behind that link, checked with the public keys alone; file and keys stay in the stack's folder.

    Raises:
        NoReceipt: no mail links to one.
        SafeError: it is not served in time.
        BadReceipt: it does not prove what it says.
    """
    url = info.services["retention"]
    file = await awaited(url, await number_mailed_to(info, address), seconds=_SECONDS)
    keys = await public_keys(url)
    (info.state / "receipt.json").write_bytes(file)
    (info.state / "receipt-keys.json").write_bytes(keys)
    return check_receipt(file, read_receipt_keys(keys), is_signed)
