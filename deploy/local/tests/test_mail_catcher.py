import asyncio
import json
import os
import signal
import smtplib
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast
from urllib.request import urlopen

import pytest
from local_stack.mail_catcher import Mailbox
from local_stack.ports import HOST, Ports
from local_stack.processes import mail_catcher
from local_stack.state_folder import StateFolder
from local_stack.status import ProcessStatus
from local_stack.supervised_process import SupervisedProcess


@pytest.fixture
async def catcher(state: StateFolder, ports: Ports) -> AsyncIterator[SupervisedProcess]:
    """The catcher as the stack runs it."""
    process = SupervisedProcess(mail_catcher(state, ports), ProcessStatus("mail", ""), lambda: None)
    await process.start()
    yield process
    await process.stop()


def send(ports: Ports, to: str, subject: str, text: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "portal@tillit.example", to, subject
    message["Message-ID"] = f"<{abs(hash(subject))}@tillit.example>"
    message.set_content(text)
    with smtplib.SMTP(HOST, ports.smtp) as client:
        client.send_message(message)


def get(ports: Ports, path: str) -> str:
    with urlopen(f"http://{HOST}:{ports.mail}{path}") as answer:
        return answer.read().decode()


def mails(ports: Ports, query: str = "") -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(get(ports, f"/api/mails{query}")))


async def test_a_mail_is_found_by_its_recipient_as_it_was_sent(catcher: SupervisedProcess, ports: Ports) -> None:
    await asyncio.to_thread(send, ports, "Ase@example.no", "Ny stilling: sjåfør", "Hei Åse,\nsøk nå.")
    await asyncio.to_thread(send, ports, "bo@example.no", "Another", "Text")
    found = await asyncio.to_thread(mails, ports, "?to=ase@EXAMPLE.no")
    assert found["count"] == 1
    assert found["mails"][0] | {"message_id": ""} == {
        "order": 1,
        "message_id": "",
        "sender": "portal@tillit.example",
        "to": ["Ase@example.no"],
        "subject": "Ny stilling: sjåfør",
        "text": "Hei Åse,\nsøk nå.\n",
    }
    assert found["mails"][0]["message_id"].endswith("@tillit.example>")


async def test_delivered_mail_survives_a_killed_catcher_and_orders_go_on(
    catcher: SupervisedProcess, ports: Ports
) -> None:
    await asyncio.to_thread(send, ports, "bo@example.no", "before", "")
    assert catcher.status.pid is not None
    os.kill(catcher.status.pid, signal.SIGKILL)
    for _ in range(100):
        await asyncio.sleep(0.1)
        if catcher.status.restarts == 1 and catcher.status.state == "ready":
            break
    await asyncio.to_thread(send, ports, "bo@example.no", "after", "")
    found = await asyncio.to_thread(mails, ports)
    assert [(mail["order"], mail["subject"]) for mail in found["mails"]] == [(1, "before"), (2, "after")]


async def test_markup_in_a_mail_is_shown_as_text(catcher: SupervisedProcess, ports: Ports) -> None:
    await asyncio.to_thread(send, ports, "bo@example.no", "<script>alert(1)</script>", "<img src=x onerror=alert(2)>")
    page = await asyncio.to_thread(get, ports, "/?to=bo@example.no")
    assert "<script>" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_pages_hold_a_hundred_in_order_of_arrival(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    for number in range(1, 231):
        mailbox.add(["bo@example.no"], f"Subject: {number}\r\n\r\ntext".encode())
    count, page = mailbox.find("bo@example.no", 3)
    assert count == 230
    assert [mail.order for mail in page] == list(range(201, 231))
    assert mailbox.find(None, 4) == (230, [])


def test_only_the_newest_are_kept_and_no_order_is_used_twice(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path, kept=3)
    for number in range(1, 6):
        mailbox.add(["bo@example.no"], f"Subject: {number}\r\n\r\ntext".encode())
    again = Mailbox(tmp_path, kept=3)
    again.add(["bo@example.no"], b"Subject: 6\r\n\r\ntext")
    assert [mail.order for mail in again.find(None, 1)[1]] == [4, 5, 6]
    assert len(list(tmp_path.glob("*.eml"))) == 3


def test_a_mail_with_a_broken_body_is_still_listed(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    mailbox.add(["bo@example.no"], b"Subject: x\r\nContent-Type: text/plain; charset=no-such\r\n\r\n\xff\xfe")
    mailbox.add(["bo@example.no"], b"\xff\xfe not even a header")
    assert [mail.order for mail in mailbox.find(None, 1)[1]] == [1, 2]
