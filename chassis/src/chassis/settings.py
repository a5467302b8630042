"""Knows every setting that all services share, and refuses to start on a bad one, naming its variable and the cure."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, NoReturn, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from chassis.logs import SafeError

_PREFIX = "TILLIT_"
_EX_CONFIG = 78


def _database_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise ValueError("must be of the form postgresql://ROLE:PASSWORD@HOST:PORT/DATABASE")
    return value


DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]


class ServiceSettings(BaseSettings):
    """What every service is told by its environment. A service adds its own settings in a subclass."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, hide_input_in_errors=True, extra="ignore")

    database_url: DatabaseUrl
    """The role that serves: it may read and write rows, never change a table."""
    migration_database_url: DatabaseUrl | None = None
    """The owner of the database; only the role `migrate` needs it."""

    kafka_bootstrap: str = Field(pattern=r"^[\w.-]+:\d+(,[\w.-]+:\d+)*$")
    topic_prefix: str = Field(default="", pattern=r"^[a-zA-Z0-9._-]*$", max_length=60)

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=0, le=65535)
    http_at_once: int = Field(default=200, ge=1)
    """Requests that are answered at once; one more is told to come back (503)."""
    body_limit_bytes: int = Field(default=1_048_576, ge=1024)
    body_seconds: float = Field(default=30.0, gt=0)
    """How long a client may take to send one body."""
    drain_seconds: float = Field(default=20.0, gt=0)
    """How long work in flight may take after SIGTERM before it is cancelled."""
    trusted_proxies: str = ""
    """Addresses whose X-Forwarded-For is believed, comma-separated. Empty: none is, the peer is the client."""
    trust_traceparent: bool = False
    """Whether a caller's `traceparent` is continued. Off at a public edge, where it would let anyone force sampling."""

    keyring_url: AnyHttpUrl
    service_key_file: Path
    service_jwks_file: Path
    login_jwks_file: Path

    otlp_endpoint: AnyHttpUrl | None = None
    trace_ratio: float = Field(default=0.1, ge=0, le=1)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    # Declared in order: each window is checked against those before it (architecture, "Windows, checked at start").
    backup_days: int = Field(default=14, ge=1)
    topic_days: int = Field(default=21, ge=1)
    parked_days: int = Field(default=30, ge=1, le=30)
    inbox_days: int = Field(default=90, ge=1)
    tombstone_days: int = Field(default=90, ge=1)

    @field_validator("topic_days")
    @classmethod
    def _topics_outlive_backups(cls, days: int, info: ValidationInfo) -> int:
        return _longer(days, "", info, ("backup_days",), "a restored database replays what happened since its backup")

    @field_validator("inbox_days")
    @classmethod
    def _inbox_outlives_every_replay(cls, days: int, info: ValidationInfo) -> int:
        why = "an event may be parked on its topic's last day and replayed on its last day parked"
        return _longer(days, "", info, ("topic_days", "parked_days"), why)

    @field_validator("tombstone_days")
    @classmethod
    def _tombstones_outlive_every_replay(cls, days: int, info: ValidationInfo) -> int:
        why = "a tombstone must meet every replay the inbox meets, or an erased person comes back"
        return _longer(days, "or as long as ", info, ("inbox_days",), why)

    @property
    def backup_window(self) -> timedelta:
        return timedelta(days=self.backup_days)

    @property
    def topic_window(self) -> timedelta:
        return timedelta(days=self.topic_days)

    @property
    def parked_window(self) -> timedelta:
        return timedelta(days=self.parked_days)

    @property
    def inbox_window(self) -> timedelta:
        return timedelta(days=self.inbox_days)

    @property
    def tombstone_window(self) -> timedelta:
        return timedelta(days=self.tombstone_days)

    def service_key(self) -> bytes:
        """This service's private key as PKCS8 PEM, read now and not kept."""
        return read_file(self.service_key_file, "service_key_file")

    def owner_database_url(self) -> SecretStr:
        """The owner's address of the database, for the role `migrate`."""
        if self.migration_database_url is None:
            raise SafeError(f"the role migrate needs {env_name('migration_database_url')}: set it to the owner's URL")
        return self.migration_database_url


Settings = TypeVar("Settings", bound=BaseSettings)


def load(settings_class: type[Settings]) -> Settings:
    """The settings from the environment, or the end of the process: a line per bad variable on stderr, and exit 78."""
    try:
        return settings_class()
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        _refuse([f"{env_name(str(detail['loc'][0]))}: {_problem(detail['type'], detail['msg'])}" for detail in details])
    except SettingsError:
        _refuse([f"{_PREFIX}*: a structured setting is not valid JSON"])


def env_name(field: str) -> str:
    """The environment variable that sets a field."""
    return f"{_PREFIX}{field.upper()}"


def read_file(path: Path, field: str) -> bytes:
    """A file that a setting names; a failure names the setting, never the content."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SafeError(
            f"{env_name(field)} names {path}, which can't be read ({error.strerror}): make it or fix the setting"
        ) from error


def _longer(days: int, or_equal: str, info: ValidationInfo, fields: Sequence[str], why: str) -> int:
    shorter = [info.data[field] for field in fields if field in info.data]
    if len(shorter) == len(fields) and (days < sum(shorter) if or_equal else days <= sum(shorter)):
        names = " + ".join(env_name(field) for field in fields)
        raise ValueError(f"must be longer than {or_equal}{names} ({sum(shorter)} days): {why}")
    return days


def _problem(kind: str, message: str) -> str:
    return "is missing" if kind == "missing" else message.removeprefix("Value error, ")


def _refuse(lines: Sequence[str]) -> NoReturn:
    for line in lines:
        sys.stderr.write(f"{line}\n")
    sys.exit(_EX_CONFIG)
