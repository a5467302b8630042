"""A service starts on good settings only, and says which variable is bad without telling its value."""

from pathlib import Path

import pytest
from chassis.logs import SafeError
from chassis.settings import ServiceSettings, load

GOOD = {
    "TILLIT_DATABASE_URL": "postgresql://profile:hemmelig@127.0.0.1:5433/profile",
    "TILLIT_KAFKA_BOOTSTRAP": "127.0.0.1:9092",
    "TILLIT_KEYRING_URL": "http://127.0.0.1:28104",
    "TILLIT_SERVICE_KEY_FILE": "/nowhere/service.pem",
    "TILLIT_SERVICE_JWKS_FILE": "/nowhere/services.jwks.json",
    "TILLIT_LOGIN_JWKS_FILE": "/nowhere/login.jwks.json",
}


class ProfileSettings(ServiceSettings):
    """A service's own settings stand beside the common ones."""

    login_key_file: Path


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refusal(capsys: pytest.CaptureFixture[str], of: type[ServiceSettings] = ServiceSettings) -> str:
    with pytest.raises(SystemExit) as stopped:
        load(of)
    assert stopped.value.code == 78
    return capsys.readouterr().err


def test_good_settings_are_read_with_their_defaults(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TILLIT_HTTP_PORT", "28101")
    settings = load(ServiceSettings)
    assert settings.http_port == 28101
    assert (settings.backup_window.days, settings.topic_window.days, settings.parked_window.days) == (14, 21, 30)
    assert (settings.inbox_window.days, settings.tombstone_window.days) == (90, 90)


def test_each_bad_variable_has_one_line_with_its_name_and_never_its_value(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("TILLIT_KEYRING_URL")
    environment.setenv("TILLIT_HTTP_PORT", "seventy-thousand")
    environment.setenv("TILLIT_DATABASE_URL", "mysql://root:hemmelig@db/x")
    said = refusal(capsys)
    assert "TILLIT_KEYRING_URL: is missing\n" in said
    assert "TILLIT_HTTP_PORT: Input should be a valid integer" in said
    assert "TILLIT_DATABASE_URL: must be of the form postgresql://" in said
    assert len(said.splitlines()) == 3
    assert "hemmelig" not in said
    assert "seventy" not in said


def test_a_services_own_settings_are_named_likewise(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(capsys, ProfileSettings) == "TILLIT_LOGIN_KEY_FILE: is missing\n"


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("TILLIT_PARKED_DAYS", "31", "less than or equal to 30"),
        ("TILLIT_TOPIC_DAYS", "14", "TILLIT_BACKUP_DAYS (14 days)"),
        ("TILLIT_INBOX_DAYS", "51", "TILLIT_TOPIC_DAYS + TILLIT_PARKED_DAYS (51 days)"),
        ("TILLIT_TOMBSTONE_DAYS", "89", "TILLIT_INBOX_DAYS (90 days)"),
    ],
)
def test_windows_that_would_let_a_replay_slip_through_are_refused(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str, why: str
) -> None:
    environment.setenv(variable, value)
    said = refusal(capsys)
    assert said.startswith(f"{variable}: ")
    assert why in said


def test_secrets_are_not_shown_by_the_settings(environment: pytest.MonkeyPatch) -> None:
    assert "hemmelig" not in repr(load(ServiceSettings))


def test_a_key_file_is_read_when_asked_for_and_its_absence_names_the_setting(environment: pytest.MonkeyPatch) -> None:
    settings = load(ServiceSettings)
    with pytest.raises(SafeError, match=r"TILLIT_SERVICE_KEY_FILE names /nowhere/service\.pem"):
        settings.service_key()


def test_the_owners_url_is_wanted_only_by_who_migrates(environment: pytest.MonkeyPatch) -> None:
    with pytest.raises(SafeError, match="TILLIT_MIGRATION_DATABASE_URL"):
        load(ServiceSettings).owner_database_url()
