"""Knows when a recipient is written to again: after a failure with growing delays, after silence at 7, 14 and 28 days.

Nobody is given up in silence: after five weeks a notice says of itself that its recipient is unresponsive.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, NamedTuple

from retention_service.notices import Notice, NoticeState
from retention_service.recipients import Recipient

REMINDERS: Final = (timedelta(days=7), timedelta(days=14), timedelta(days=28))
"""How long after they were told they are reminded, if they may answer and did not."""
UNRESPONSIVE_AFTER: Final = timedelta(days=35)
_FIRST_DELAY: Final = timedelta(minutes=1)
_LONGEST_DELAY: Final = timedelta(days=1)


class Try(Enum):
    """How a try to tell somebody ended."""

    TOLD = "told"
    """They have it."""
    HANDED_ON = "handed on"
    """A mail was asked for: whether they have it is told later."""
    FAILED = "failed"


class Next(NamedTuple):
    """Where a notice stands now, and when it is looked at again; None: never by itself."""

    notice: Notice
    due_at: datetime | None


def after_try(notice: Notice, outcome: Try, recipient: Recipient | None, now: datetime) -> Next:
    """What follows from a try."""
    if notice.state is NoticeState.ACKNOWLEDGED:
        return Next(notice, None)
    if outcome is Try.FAILED:
        failed = replace(notice, failures=notice.failures + 1, state=_not_certain(notice))
        delay = min(_FIRST_DELAY * 2 ** min(notice.failures, 20), _LONGEST_DELAY)
        return Next(failed, now + delay)
    if outcome is Try.HANDED_ON:
        asked = replace(notice, failures=notice.failures + 1, state=_not_certain(notice), reminders=reminder(notice))
        return Next(asked, now + _LONGEST_DELAY if notice.told_at is None else _reminded_next(asked))
    return after_told(notice, recipient, now)


def after_told(notice: Notice, recipient: Recipient | None, now: datetime) -> Next:
    """What follows once it is certain that they have it: who can't answer is not reminded."""
    told = replace(
        notice, failures=0, state=NoticeState.TOLD, reminders=reminder(notice), told_at=notice.told_at or now
    )
    may_answer = recipient is not None and recipient.acknowledgement_key is not None
    return Next(told, _reminded_next(told) if may_answer else None)


def given_up(notice: Notice, now: datetime) -> bool:
    """Whether they had all the time that they get."""
    return now >= (notice.told_at or notice.made_at) + UNRESPONSIVE_AFTER


def reminder(notice: Notice) -> int:
    """The number of the reminder that writing to them now is; 0 until they have the notice itself."""
    return 0 if notice.told_at is None else min(notice.reminders + 1, len(REMINDERS))


def _not_certain(notice: Notice) -> NoticeState:
    """A reminder that failed takes nothing back."""
    return NoticeState.CHASED if notice.told_at is None else NoticeState.TOLD


def _reminded_next(notice: Notice) -> datetime | None:
    waits = (*REMINDERS, UNRESPONSIVE_AFTER)
    return None if notice.told_at is None else notice.told_at + waits[notice.reminders]
