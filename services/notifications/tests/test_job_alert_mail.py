"""A job alert says which position, why it comes and how to stop it, in lines that others can't break."""

from datetime import UTC, datetime
from uuid import UUID

from contracts.personal import ERASED
from notifications_service.job_alert_mail import one_line, write_job_alert
from notifications_service.mails import Mail
from notifications_service.positions import Position

PORTAL = "https://portal.example/"


def written(name: str = "Kari Nordmann", title: str = "Sykepleier") -> tuple[str, str]:
    position = Position(
        UUID(int=9), title, "Fjell sykehus", "Bodø", "sykepleier", "bodø", datetime(2026, 1, 1, tzinfo=UTC), None
    )
    mail: Mail = write_job_alert(name, "kari@example.no", position, PORTAL)
    subject_line, text = mail.subject_line.reveal(), mail.text.reveal()
    assert subject_line is not ERASED
    assert text is not ERASED
    return subject_line, text


def test_it_names_the_position_and_where_to_read_more() -> None:
    subject_line, text = written()
    assert subject_line == "Ny stilling: Sykepleier hos Fjell sykehus"
    assert "Fjell sykehus, Bodø" in text
    assert f"https://portal.example/positions/{UUID(int=9)}" in text


def test_it_says_why_it_comes_and_how_to_stop_it() -> None:
    text = written()[1]
    assert "Hvorfor får du denne e-posten?" in text
    assert "fjern jobbønsket" in text


def test_a_title_or_name_of_many_lines_stays_in_its_line() -> None:
    subject_line, text = written(name="Kari\nHei {title}", title="Sykepleier\r\nBcc: ola@example.no\u2028x")
    assert subject_line == "Ny stilling: Sykepleier Bcc: ola@example.no x hos Fjell sykehus"
    assert text.startswith("Hei, Kari Hei {title}!\n")


def test_a_line_is_not_endless() -> None:
    assert len(one_line("a" * 10_000)) == 200
