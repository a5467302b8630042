"""A small log in memory, as its files, signed by a key of its own and by a witness'."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from contracts.log_audit import Missing
from contracts.log_leaf import leaf_of
from contracts.log_tiles import CHECKPOINT, WIDTH, Tile, grown, pack_bundle
from contracts.merkle import leaf_hash, root_of
from contracts.notes import COSIGNATURE, ED25519, Checkpoint, Note, NoteKey, Signature, cosigned_message
from contracts.profile import ProfileCorrected
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

HOUR = datetime(2026, 1, 2, 8, tzinfo=UTC)
AT = 1_767_340_800


def leaf(number: int) -> bytes:
    return leaf_of(ProfileCorrected.type, "profile", HOUR, sha256(str(number).encode()).digest()).to_bytes()


def check(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


@dataclass
class Signer:
    """Somebody with a key of Ed25519."""

    name: str
    algorithm: int = ED25519
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def key(self) -> NoteKey:
        return NoteKey(self.name, self.algorithm, self.private.public_key().public_bytes_raw())

    def sign(self, text: str) -> Signature:
        if self.algorithm == ED25519:
            return Signature(self.name, self.key.id, self.private.sign(text.encode()))
        value = AT.to_bytes(8, "big") + self.private.sign(cosigned_message(AT, text))
        return Signature(self.name, self.key.id, value)


class SmallLog:
    """The files of a log of so many leaves."""

    def __init__(self, size: int) -> None:
        self.signer, self.witness = Signer("log.example/small"), Signer("witness.example/w", COSIGNATURE)
        self.leaves = [leaf(number) for number in range(size)]
        hashes = [leaf_hash(one) for one in self.leaves]
        self.files = {tile.path: data for tile, data in grown(0, [], hashes)}
        for start in range(0, size, WIDTH):
            part = self.leaves[start : start + WIDTH]
            self.files[Tile(None, start // WIDTH, len(part)).path] = pack_bundle(part)
        self.checkpoint = Checkpoint(self.signer.name, size, root_of(hashes))
        text = self.checkpoint.text()
        self.note = Note(text, (self.signer.sign(text), self.witness.sign(text)))
        self.files[CHECKPOINT] = self.note.to_bytes()

    def read(self, path: str) -> bytes:
        try:
            return self.files[path]
        except KeyError:
            raise Missing(path) from None
