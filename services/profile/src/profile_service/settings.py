"""What the profile service is told by its environment, beside what every service is told."""

from datetime import timedelta
from pathlib import Path

from chassis.settings import ServiceSettings, read_file
from pydantic import Field


class ProfileSettings(ServiceSettings):
    login_key_file: Path
    """The Ed25519 private key (PKCS8 PEM) that signs people's tokens; its public half is the key `login` of
    TILLIT_LOGIN_JWKS_FILE."""
    cooling_off_hours: float = Field(default=72, ge=0, le=24 * 30)
    """How long a deletion can be taken back; 0: it is final at once. Longer than a month would be retention (trap 11)."""

    @property
    def cooling_off(self) -> timedelta:
        return timedelta(hours=self.cooling_off_hours)

    def login_key(self) -> bytes:
        """The private key that signs people's tokens, read now and not kept."""
        return read_file(self.login_key_file, "login_key_file")
