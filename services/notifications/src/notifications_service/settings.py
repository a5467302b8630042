"""What the notifications service is told by its environment, beside what every service is told."""

from urllib.parse import urlsplit

from chassis.settings import ServiceSettings
from pydantic import AnyHttpUrl, Field


class NotificationsSettings(ServiceSettings):
    smtp_url: str = Field(pattern=r"^smtp://[\w.-]+:\d{1,5}$")
    """The mail server. STARTTLS is used when it is offered, and then its certificate must be good."""
    mail_from: str = Field(pattern=r"^[\w.+-]+@[A-Za-z0-9.-]+$", max_length=254)
    """The address that mails come from; its domain also ends their Message-ID."""
    portal_url: AnyHttpUrl
    """Where people read more and change what they asked for."""

    @property
    def smtp_host(self) -> str:
        return urlsplit(self.smtp_url).hostname or ""

    @property
    def smtp_port(self) -> int:
        return urlsplit(self.smtp_url).port or 0
