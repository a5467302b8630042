"""What the mail server says decides what becomes of a mail."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from uuid import UUID

import pytest
import pytest_asyncio
from chassis.network import NetworkInTransaction, transaction_scope
from notifications_service.letter import Letter, recipient, write_message
from notifications_service.mail_server import MailServer, NotAccepted, Refused

from .smtp_server import Catcher, mail_catcher

SENDER = "portal@tillit.example"
TO = "kari@nordmann.example"
LETTER = Letter(UUID(int=7), TO, "Ny stilling: Sykepleier hos Fjell sykehus", "Hei, Kari!\n.\nÆrlig talt.\n")
MESSAGE = write_message(LETTER, TO, sender=SENDER, at=datetime(2026, 1, 2, tzinfo=UTC))


@pytest_asyncio.fixture
async def catcher() -> AsyncGenerator[Catcher]:
    async with mail_catcher() as opened:
        yield opened


def server_at(port: int) -> MailServer:
    return MailServer("127.0.0.1", port, sender=SENDER)


async def test_a_mail_arrives_as_it_was_written(catcher: Catcher) -> None:
    await server_at(catcher.port).send(MESSAGE, TO)
    [mail] = catcher.mails
    assert catcher.recipients == [TO]
    assert mail["Subject"] == LETTER.subject_line
    assert mail["Message-ID"] == f"<{LETTER.mail_id}@tillit.example>"
    assert mail.get_content().replace("\r\n", "\n") == LETTER.text


async def test_mails_one_after_another_share_a_connection(catcher: Catcher) -> None:
    server = server_at(catcher.port)
    for _ in range(5):
        await server.send(MESSAGE, TO)
    assert len(catcher.mails) == 5
    assert catcher.connections == 1


@pytest.mark.parametrize("answer", ["550 No such user", "553 Not here"])
async def test_a_refused_recipient_is_refused_for_good(catcher: Catcher, answer: str) -> None:
    catcher.rcpt_answers.append(answer)
    with pytest.raises(Refused) as refused:
        await server_at(catcher.port).send(MESSAGE, TO)
    assert refused.value.code == int(answer[:3])
    assert TO not in str(refused.value)


async def test_refused_content_is_refused_for_good_and_leaves_the_connection_usable(catcher: Catcher) -> None:
    server = server_at(catcher.port)
    catcher.data_answers.append("554 Spam")
    with pytest.raises(Refused):
        await server.send(MESSAGE, TO)
    await server.send(MESSAGE, TO)
    assert len(catcher.mails) == 1
    assert catcher.connections == 1


async def test_a_busy_server_is_asked_again_later(catcher: Catcher) -> None:
    catcher.rcpt_answers.append("451 Try again")
    with pytest.raises(NotAccepted):
        await server_at(catcher.port).send(MESSAGE, TO)


async def test_a_connection_cut_after_the_content_is_not_taken_for_acceptance(catcher: Catcher) -> None:
    catcher.cut_after_data = 1
    server = server_at(catcher.port)
    with pytest.raises(NotAccepted):
        await server.send(MESSAGE, TO)
    await server.send(MESSAGE, TO)
    assert [mail["Message-ID"] for mail in catcher.mails] == [f"<{LETTER.mail_id}@tillit.example>"] * 2


async def test_a_server_that_is_away_is_asked_again_later() -> None:
    async with mail_catcher() as catcher:
        port = catcher.port
    with pytest.raises(NotAccepted):
        await server_at(port).send(MESSAGE, TO)


async def test_mail_is_never_sent_inside_a_transaction(catcher: Catcher) -> None:
    with transaction_scope(), pytest.raises(NetworkInTransaction):
        await server_at(catcher.port).send(MESSAGE, TO)


async def test_an_international_address_is_written_as_the_server_needs_it(catcher: Catcher) -> None:
    to = recipient("kåre@blåbær.example")
    assert to == "kåre@xn--blbr-roah.example"
    message = write_message(LETTER, to, sender=SENDER, at=datetime(2026, 1, 2, tzinfo=UTC))
    await server_at(catcher.port).send(message, to)
    assert catcher.recipients == [to]
