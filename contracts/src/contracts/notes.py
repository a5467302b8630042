"""Signed notes, checkpoints, cosignatures and proofs of an entry as text: C2SP signed-note, tlog-checkpoint,
tlog-cosignature and tlog-proof (https://c2sp.org).

Signatures are checked by a function that the caller brings, so that this package needs no cryptography.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from contracts.merkle import HASH_BYTES, check_inclusion

ED25519: Final = 1
COSIGNATURE: Final = 4
MAX_NOTE_BYTES: Final = 64 * 1024
_PROOF_HEADER: Final = "c2sp.org/tlog-proof@v1"
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_NAME: Final = re.compile(r"[^\s+]{1,200}")

SignatureCheck = Callable[[bytes, bytes, bytes], bool]
"""Whether (public key, message, signature) of Ed25519 is good."""


class BadNote(ValueError):
    """The text is not a note, a checkpoint or a key of the right form, or is not signed as it must be."""


class NoteKey(NamedTuple):
    """A public key by the name it signs under, and what its signatures are: of notes, or cosignatures of a witness."""

    name: str
    algorithm: int
    public: bytes

    @property
    def id(self) -> bytes:
        return sha256(f"{self.name}\n".encode() + bytes([self.algorithm]) + self.public).digest()[:4]

    def __str__(self) -> str:
        """As Go's `note.NewVerifier` reads it."""
        return f"{self.name}+{self.id.hex()}+{to_text(bytes([self.algorithm]) + self.public)}"


class Signature(NamedTuple):
    """One signature line of a note."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        return f"— {self.name} {to_text(self.key_id + self.value)}\n"


class Note(NamedTuple):
    """A text, which ends in a line break, and who signed it."""

    text: str
    signatures: tuple[Signature, ...]

    def to_bytes(self) -> bytes:
        return (self.text + "\n" + "".join(signature.line() for signature in self.signatures)).encode()


class Checkpoint(NamedTuple):
    """The root of a log's tree at one size."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{to_text(self.root)}\n"


class EntryProof(NamedTuple):
    """That an entry stands in a log, checked offline: its place, the path to the root, and the signed checkpoint."""

    entry: int
    path: tuple[bytes, ...]
    checkpoint: Note

    def to_bytes(self) -> bytes:
        lines = [_PROOF_HEADER, f"index {self.entry}", *map(to_text, self.path), ""]
        return "".join(f"{line}\n" for line in lines).encode() + self.checkpoint.to_bytes()


def to_text(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def from_text(text: str) -> bytes:
    """The bytes of base64 as only we write it: no second text stands for the same bytes.

    Raises:
        BadNote: it is not that.
    """
    try:
        data = b64decode(text, validate=True)
    except (NotBase64, ValueError):
        raise BadNote("not base64") from None
    if to_text(data) != text:
        raise BadNote("not base64 in its one form")
    return data


def read_key(text: str) -> NoteKey:
    """A verifier key `name+id+key`.

    Raises:
        BadNote: it is none, of another algorithm, or its id belongs to another key.
    """
    parts = text.strip().split("+", 2)
    if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
        raise BadNote("a verifier key has the form NAME+ID+KEY")
    name, key_id, encoded = parts
    data = from_text(encoded)
    if len(data) != 33 or data[0] not in (ED25519, COSIGNATURE):
        raise BadNote("the key is not one of Ed25519")
    key = NoteKey(name, data[0], data[1:])
    if key.id.hex() != key_id:
        raise BadNote("the id is not that of this key")
    return key


def read_note(data: bytes) -> Note:
    """A note, its signatures unchecked.

    Raises:
        BadNote: the bytes are none.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise BadNote("the note is too large")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadNote("the note is not UTF-8") from None
    if any(character < " " and character != "\n" for character in whole):
        raise BadNote("the note holds a control character")
    text, blank, lines = whole.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise BadNote("the note has no signatures")
    return Note(text + "\n", read_signatures(lines))


def read_signatures(lines: str) -> tuple[Signature, ...]:
    """Signature lines, as they end a note or as a witness answers them.

    Raises:
        BadNote: a line is none.
    """
    found: list[Signature] = []
    for line in lines.removesuffix("\n").split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        if dash != "—" or not _NAME.fullmatch(name):
            raise BadNote("a signature line has another form")
        data = from_text(encoded)
        if len(data) < 5:
            raise BadNote("a signature is too short")
        found.append(Signature(name, data[:4], data[4:]))
    return tuple(found)


def read_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that a note's text is; lines after the third are somebody's extension.

    Raises:
        BadNote: it is none.
    """
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0] or not _NUMBER.fullmatch(lines[1]):
        raise BadNote("a checkpoint begins with origin, size and root")
    root = from_text(lines[2])
    if len(root) != HASH_BYTES:
        raise BadNote("the root is no hash")
    return Checkpoint(lines[0], int(lines[1]), root)


def cosigned_message(at: int, text: str) -> bytes:
    """What a witness signs of a checkpoint at a time (seconds since 1970)."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def signed_by(note: Note, key: NoteKey, check: SignatureCheck) -> bool:
    """Whether this key signed it.

    Raises:
        BadNote: a signature bears the key's name and id, and is not its.
    """
    found = [one for one in note.signatures if (one.name, one.key_id) == (key.name, key.id)]
    for signature in found:
        if not _good(note.text, signature.value, key, check):
            raise BadNote(f"the signature of {key.name} is not good")
    return bool(found)


def open_checkpoint(
    data: bytes, key: NoteKey, check: SignatureCheck, witnesses: Sequence[NoteKey] = ()
) -> tuple[Checkpoint, Note]:
    """The checkpoint of the log that this key belongs to, signed by it and by all of these witnesses.

    Raises:
        BadNote: it is not that.
    """
    note = read_note(data)
    checkpoint = read_checkpoint(note.text)
    if checkpoint.origin != key.name:
        raise BadNote("the checkpoint is of another log")
    for signer in (key, *witnesses):
        if not signed_by(note, signer, check):
            raise BadNote(f"the checkpoint is not signed by {signer.name}")
    return checkpoint, note


def read_proof(data: bytes) -> EntryProof:
    """A proof, unchecked.

    Raises:
        BadNote: the bytes are none.
    """
    head, blank, note = data.partition(b"\n\n")
    try:
        lines = head.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise BadNote("the proof is not UTF-8") from None
    if not blank or lines[0] != _PROOF_HEADER:
        raise BadNote("this is no proof of an entry")
    rest = lines[2:] if len(lines) > 1 and lines[1].startswith("extra ") else lines[1:]
    word, _, number = rest[0].partition(" ") if rest else ("", "", "")
    if word != "index" or not _NUMBER.fullmatch(number):
        raise BadNote("the proof has no index")
    path = tuple(from_text(line) for line in rest[1:])
    if any(len(step) != HASH_BYTES for step in path):
        raise BadNote("a step of the proof is no hash")
    return EntryProof(int(number), path, read_note(note))


def check_proof(
    data: bytes, leaf: bytes, key: NoteKey, check: SignatureCheck, witnesses: Sequence[NoteKey] = ()
) -> Checkpoint:
    """The checkpoint under which the leaf with this hash was logged, offline.

    Raises:
        BadNote, BadProof: the proof does not show that.
    """
    proof = read_proof(data)
    checkpoint, _ = open_checkpoint(proof.checkpoint.to_bytes(), key, check, witnesses)
    check_inclusion(leaf, proof.entry, checkpoint.size, proof.path, checkpoint.root)
    return checkpoint


def _good(text: str, value: bytes, key: NoteKey, check: SignatureCheck) -> bool:
    if key.algorithm == ED25519:
        return check(key.public, text.encode(), value)
    at = int.from_bytes(value[:8], "big")
    return len(value) == 72 and at < 2**63 and check(key.public, cosigned_message(at, text), value[8:])
