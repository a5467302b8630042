"""A bad setting of the log stops its start, and is named with the cure."""

from pathlib import Path

import pytest
from audit_log_service.log_folder import LogFolder
from audit_log_service.log_key import load_log_key
from audit_log_service.settings import AuditLogSettings
from chassis.logs import SafeError
from chassis.settings import load
from contracts.notes import COSIGNATURE, ED25519, NoteKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

GOOD = {
    "DATABASE_URL": "postgresql://role:pw@127.0.0.1:1/database",
    "KAFKA_BOOTSTRAP": "127.0.0.1:1",
    "KEYRING_URL": "http://127.0.0.1:1",
    "SERVICE_KEY_FILE": "/nowhere",
    "SERVICE_JWKS_FILE": "/nowhere",
    "LOGIN_JWKS_FILE": "/nowhere",
    "LOG_DIR": "/nowhere",
    "LOG_KEY_FILE": "/nowhere",
    "LOG_ORIGIN": "log.example/test",
}
WITNESS = str(NoteKey("witness.example/w", COSIGNATURE, bytes(32)))


def environment(patch: pytest.MonkeyPatch, **changes: str | None) -> None:
    for name, value in {**GOOD, **changes}.items():
        if value is None:
            patch.delenv(f"TILLIT_{name}", raising=False)
        else:
            patch.setenv(f"TILLIT_{name}", value)


def test_good_settings_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, WITNESS_URL="http://127.0.0.1:1", WITNESS_KEY=WITNESS)
    assert str(load(AuditLogSettings).witness()) == WITNESS


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("LOG_DIR", None, "is missing"),
        ("LOG_KEY_FILE", None, "is missing"),
        ("LOG_ORIGIN", None, "is missing"),
        ("LOG_ORIGIN", "https://log.example", "should match pattern"),
        ("LOG_ORIGIN", "log example", "should match pattern"),
        ("LOG_ORIGIN", "log.example+1", "should match pattern"),
        ("WITNESS_KEY", "witness", "must be the verifier key that the witness prints"),
        ("WITNESS_KEY", str(NoteKey("log.example", ED25519, bytes(32))), "must be a key of cosignatures"),
        ("WITNESS_URL", "http://127.0.0.1:1", "needs TILLIT_WITNESS_KEY"),
    ],
)
def test_a_bad_setting_stops_the_start_and_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str | None, why: str
) -> None:
    environment(monkeypatch, **{name: value})
    with pytest.raises(SystemExit) as ended:
        load(AuditLogSettings)
    assert ended.value.code == 78
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"TILLIT_{name}: ")
    assert why in line


@pytest.mark.parametrize("content", [None, b"", b"no key at all", "another kind of key"])
def test_a_bad_key_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | str | None) -> None:
    place = tmp_path / "log.pem"
    if isinstance(content, str):
        content = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    if content is not None:
        place.write_bytes(content)
    environment(monkeypatch, LOG_KEY_FILE=str(place))
    with pytest.raises(SafeError, match="TILLIT_LOG_KEY_FILE"):
        load_log_key(load(AuditLogSettings))


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "nothing", tmp_path / "file"):
        with pytest.raises(SafeError, match="TILLIT_LOG_DIR"):
            LogFolder(place).require()
