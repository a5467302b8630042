"""What the audit log is told by its environment, beside what every service is told."""

from pathlib import Path

from chassis.settings import ServiceSettings, env_name, read_file
from contracts.notes import COSIGNATURE, BadNote, NoteKey, read_key
from pydantic import AnyHttpUrl, Field, ValidationInfo, field_validator


class AuditLogSettings(ServiceSettings):
    log_dir: Path
    """Where checkpoint, tiles and entries are published: durable, shared by all workers, and in no backup's shadow."""
    log_key_file: Path
    """The Ed25519 private key (PKCS8 PEM) that signs checkpoints. Whoever checks the log must know its public half."""
    log_origin: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*(/[a-zA-Z0-9._-]+)*$", max_length=200)
    """The log's name in each checkpoint, for ever: its public URL without the scheme."""
    witness_key: str | None = None
    """The witness' verifier key, as `name+id+key`: its cosignatures are asked for and believed."""
    witness_url: AnyHttpUrl | None = None
    """Where a witness takes checkpoints (C2SP tlog-witness); without it nobody else remembers the log."""

    @field_validator("witness_key")
    @classmethod
    def _is_a_witness_key(cls, text: str | None) -> str | None:
        if text is None:
            return None
        try:
            key = read_key(text)
        except BadNote as error:
            raise ValueError(f"must be the verifier key that the witness prints: {error}") from None
        if key.algorithm != COSIGNATURE:
            raise ValueError("must be a key of cosignatures (type 4), not one of a log")
        return text

    @field_validator("witness_url")
    @classmethod
    def _is_believed(cls, url: AnyHttpUrl | None, info: ValidationInfo) -> AnyHttpUrl | None:
        if url is not None and info.data.get("witness_key", "bad") is None:
            raise ValueError(f"needs {env_name('witness_key')}: whose cosignatures would be believed?")
        return url

    def witness(self) -> NoteKey | None:
        """Whose cosignatures are believed."""
        return read_key(self.witness_key) if self.witness_key is not None else None

    def log_key(self) -> bytes:
        """The private key that signs checkpoints, read now and not kept."""
        return read_file(self.log_key_file, "log_key_file")
