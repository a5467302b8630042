"""Reads the mails that the local stack's catcher accepted: whom each reached, about which position, and when."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx
from local_stack.stack import StackInfo
from pydantic import BaseModel

_POSITION: Final = re.compile(r"/positions/([0-9a-f-]{36})")


@dataclass(frozen=True, slots=True)
class JobAlert:
    """One mail that told one address of one position."""

    address: str
    position_id: UUID
    accepted_at: datetime

    def __repr__(self) -> str:
        return f"JobAlert({self.position_id})"


class _Mail(BaseModel):
    order: int
    to: list[str]
    text: str


class _Page(BaseModel):
    count: int
    page_size: int
    mails: list[_Mail]


class MailCatcher:
    """Follows the catcher from where it stood when this was made."""

    def __init__(self, info: StackInfo) -> None:
        self._url = info.mail_url
        self._folder = info.mails
        self._alerts: list[JobAlert] = []
        self._read = 0

    async def alerts(self) -> list[JobAlert]:
        """Every job alert so far, in the order of arrival."""
        async with httpx.AsyncClient(base_url=self._url, trust_env=False) as http:
            while True:
                page_size = 100
                number, skip = divmod(self._read, page_size)
                answer = await http.get("/api/mails", params={"page": number + 1})
                answer.raise_for_status()
                page = _Page.model_validate_json(answer.content)
                fresh = page.mails[skip:]
                for mail in fresh:
                    self._keep(mail)
                self._read += len(fresh)
                if not fresh:
                    return list(self._alerts)

    def _keep(self, mail: _Mail) -> None:
        match = _POSITION.search(mail.text)
        if match is not None:
            accepted_at = _written(self._folder / f"{mail.order:09}.eml")
            self._alerts += [JobAlert(address, UUID(match[1]), accepted_at) for address in mail.to]


def _written(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)
