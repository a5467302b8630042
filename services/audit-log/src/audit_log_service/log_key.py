"""Signs the log's checkpoints, and checks what others signed (Ed25519)."""

from chassis.logs import SafeError
from contracts.notes import ED25519, Checkpoint, Note, NoteKey, Signature
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from audit_log_service.settings import AuditLogSettings


class LogKey:
    """The key of one log, under its name."""

    def __init__(self, origin: str, private: Ed25519PrivateKey) -> None:
        self._private = private
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public = NoteKey(origin, ED25519, public)

    def sign(self, checkpoint: Checkpoint) -> Note:
        """The checkpoint as it is published; the same each time."""
        text = checkpoint.text()
        return Note(text, (Signature(self.public.name, self.public.id, self._private.sign(text.encode())),))


def load_log_key(settings: AuditLogSettings) -> LogKey:
    """The key that the settings name.

    Raises:
        SafeError: it can't be read, or is of another kind.
    """
    try:
        private = load_pem_private_key(settings.log_key(), password=None)
    except ValueError:
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise SafeError("TILLIT_LOG_KEY_FILE must hold an Ed25519 private key (PKCS8 PEM)")
    return LogKey(settings.log_origin, private)


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of this public key signed the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
