"""Delivers a mail of the log: reads it under the person's lock, sends it outside any transaction, records the outcome.

Between the mail server's acceptance and the second commit lies the one gap in which a crash makes the mail go out again;
it then bears the same Message-ID, by which a mail server or a reader knows it.
"""

from uuid import UUID

from chassis.clock import Clock
from chassis.database import Database
from chassis.logs import SafeError, get_logger
from chassis.service import Service
from chassis.subjects import SubjectState
from chassis.transaction import Transaction
from chassis.work import WorkItem
from chassis.work_loop import cause_of, finish, renew
from contracts.communication import MessageKind, MessageSent
from contracts.personal import ERASED, Category, Personal, SubjectId

from notifications_service import mails, positions
from notifications_service.letter import Letter, UnusableAddress, recipient, write_message
from notifications_service.mail_server import MAILBOX_NOT_ALLOWED, MailServer, Refused
from notifications_service.mails import Mail, MailRow, MailState

_log = get_logger()


class MailDelivery:
    """The errand `mail`."""

    def __init__(self, service: Service, server: MailServer, *, sender: str) -> None:
        self._service = service
        self._sender = sender
        self._server = server

    @property
    def _database(self) -> Database:
        return self._service.database

    @property
    def _clock(self) -> Clock:
        return self._service.clock

    async def deliver(self, item: WorkItem) -> None:
        """Send the mail that the item names, unless it is no longer wanted.

        Raises:
            NotAccepted: the mail server did not take it; the item is done again later.
            LeaseLost: another worker has the item.
        """
        subject = item.subject_id
        if subject is None:
            raise SafeError("a mail's work item names no person")
        letter = await self._take(item, subject)
        if letter is None:
            return
        code: int | None = None
        try:
            to = recipient(letter.address)
            message = write_message(letter, to, sender=self._sender, at=self._clock.now())
            await self._server.send(message, to)
        except UnusableAddress:
            code = MAILBOX_NOT_ALLOWED
        except Refused as refusal:
            code = refusal.code
        await self._record(item, subject, letter.mail_id, code)

    async def _take(self, item: WorkItem, subject: SubjectId) -> Letter | None:
        """The mail, opened, for as long as this worker has the item; None when it ended or ends here."""
        mail_id = UUID(item.key)
        async with self._database.transaction([subject], cause=cause_of(item)) as tx:
            await renew(item, tx)
            row = await mails.find_waiting(tx.connection, mail_id)
            letter = await _open_if_wanted(row, tx) if row is not None else None
            if letter is None:
                await mails.end(tx.connection, mail_id, MailState.DROPPED, tx.now())
                await finish(item, tx)
        return letter

    async def _record(self, item: WorkItem, subject: SubjectId, mail_id: UUID, code: int | None) -> None:
        async with self._database.transaction([subject], cause=cause_of(item)) as tx:
            await finish(item, tx)
            row = await mails.find_waiting(tx.connection, mail_id)
            if row is None:  # erased while the mail was under way
                return
            state = MailState.SENT if code is None else MailState.FAILED
            await mails.end(tx.connection, mail_id, state, tx.now(), smtp_code=code)
            if state is MailState.SENT:
                _publish_sent(row, tx)
        if code is not None:
            _log.warning("mail.refused", code=code)


async def _open_if_wanted(row: MailRow, tx: Transaction) -> Letter | None:
    """What the mail says; None when the person may not be written to, or the position is no longer open."""
    state = tx.state(row.subject_id)
    if state.is_erased(Category.COMMUNICATION) or not _may_be_written_to(row, state):
        return None
    mail = tx.open(Mail, row.mail)
    address, subject_line, text = mail.address.reveal(), mail.subject_line.reveal(), mail.text.reveal()
    position_id = mail.position_id.reveal()
    if address is ERASED or subject_line is ERASED or text is ERASED or position_id is ERASED:
        return None
    if position_id is not None and await positions.find_open(tx.connection, position_id, tx.now()) is None:
        return None
    return Letter(row.mail_id, address, subject_line, text)


def _may_be_written_to(row: MailRow, state: SubjectState) -> bool:
    """A restricted person gets no mail but the one that the request itself needs, and only while it can be taken back."""
    if row.kind is MessageKind.DELETION_ANNOUNCED:
        return not state.is_erased(Category.USER_INFORMATION)
    return not state.restricted


def _publish_sent(row: MailRow, tx: Transaction) -> None:
    position_id = tx.open(Mail, row.mail).position_id.reveal()
    if position_id is ERASED:
        return
    tx.publish(
        MessageSent(
            subject_id=row.subject_id,
            message_id=row.mail_id,
            kind=MessageKind(row.kind),
            sent_at=tx.now(),
            position_id=Personal(position_id),
        )
    )
