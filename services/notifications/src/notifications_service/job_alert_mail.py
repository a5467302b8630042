"""Knows what a job alert says, in Norwegian: which position, why the mail comes, and how to stop it (P4, A10)."""

from typing import Final

from contracts.personal import Personal

from notifications_service.mails import Mail
from notifications_service.positions import Position

_TEXT: Final = """\
Hei, {name}!

{employer} har lyst ut en stilling som passer med det du har bedt om å få beskjed om:

  {title}
  {employer}, {place}
  {portal}/positions/{position_id}

Hvorfor får du denne e-posten?
Du har lagret et jobbønske i profilen din og bedt oss si fra når en ny stilling passer.
Vi bruker navnet og e-postadressen din her bare til det.

Vil du ikke ha flere?
Logg inn på {portal} og fjern jobbønsket. Da slutter vi med en gang.
"""
_LONGEST_LINE: Final = 200


def write_job_alert(name: str, email: str, position: Position, portal_url: str) -> Mail:
    """The mail that tells a person of a position."""
    title, employer = one_line(position.title), one_line(position.employer_name)
    text = _TEXT.format(
        name=one_line(name),
        employer=employer,
        title=title,
        place=one_line(position.place),
        portal=portal_url.rstrip("/"),
        position_id=position.position_id,
    )
    return Mail(
        address=Personal(email),
        subject_line=Personal(f"Ny stilling: {title} hos {employer}"),
        text=Personal(text),
        position_id=Personal(position.position_id),
    )


def one_line(text: str) -> str:
    """Text of others as it may stand in a line of ours: no line breaks or other control characters, and not endless."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:_LONGEST_LINE]
