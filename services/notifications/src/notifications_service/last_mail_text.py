"""Knows what the last mail to an erased person says, in Norwegian: what was done, who was told, where the receipt is."""

from collections.abc import Sequence
from typing import Final

from notifications_service.job_alert_mail import one_line

SUBJECT_LINE: Final = "Opplysningene dine er slettet"
_TEXT: Final = """\
Hei, {name}!

Alle tjenestene våre har nå slettet opplysningene om deg som skulle slettes. Nøklene som kunne låse opp det som
fortsatt ligger i logger og sikkerhetskopier, blir ødelagt straks denne e-posten er sendt.
{told}
Kvitteringen for slettingen finner du her:

  {link}

Den nevner deg ikke ved navn. Ta vare på lenken: vi har den ikke lenger, og kan ikke sende den på nytt.

Dette er den siste e-posten du får fra oss. Adressen din er nå slettet også her.
"""
_TOLD: Final = """
Disse har fått opplysninger om deg. Slik står det til med beskjeden til dem om slettingen:

{names}
"""


def write_last_mail(name: str, link: str, recipients: Sequence[str]) -> str:
    """The text. `recipients` are names with what became of the notice, each one line."""
    names = "\n".join(f"  - {one_line(recipient)}" for recipient in recipients)
    return _TEXT.format(name=one_line(name), link=link, told=_TOLD.format(names=names) if names else "")
