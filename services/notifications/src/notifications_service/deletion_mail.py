"""Knows what the mail says that announces a deletion, in Norwegian: when it is final, and how to take it back (A4)."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from contracts.personal import Personal

from notifications_service.job_alert_mail import one_line
from notifications_service.mails import Mail

_OSLO: Final = ZoneInfo("Europe/Oslo")
_TEXT: Final = """\
Hei, {name}!

Vi har fått beskjed om å slette profilen din. Opplysningene dine brukes ikke lenger, og slettes for godt
{final:%d.%m.%Y} klokken {final:%H:%M}.

Vil du beholde profilen, eller var det ikke du som ba om dette? Da avbryter du slettingen her, uten å logge inn:

  {link}

Lenken virker én gang, frem til slettingen er gjennomført. Del den ikke med noen.
"""


def write_deletion_mail(name: str, email: str, final_at: datetime, link: str) -> Mail:
    """The mail."""
    return Mail(
        address=Personal(email),
        subject_line=Personal("Profilen din blir slettet"),
        text=Personal(_TEXT.format(name=one_line(name), final=final_at.astimezone(_OSLO), link=link)),
        position_id=Personal(None),
    )
