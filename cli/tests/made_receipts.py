"""Receipts made from nothing, with keys of their own: true ones, and whatever else somebody might hand in."""

import hmac
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from contracts.log_leaf import leaf_bytes
from contracts.merkle import Leaves, inclusion_proof, leaf_hash, root_of
from contracts.notes import COSIGNATURE, ED25519, Checkpoint, EntryProof, Note, NoteKey, Signature, cosigned_message
from contracts.receipt_files import (
    ISSUER,
    HeldPart,
    HolderPart,
    OpenedEvent,
    Receipt,
    ReceiptBody,
    RecipientCounts,
    ScanPart,
    Unreadable,
)
from contracts.receipt_keys import keys_file
from contracts.receipts import ErasureAttested, name_of, signed_statement
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ROWS: Final = MappingProxyType({"communication": 4, "user_information": 0})
ERASED: Final = ("communication", "user_information")
HOUR = datetime(2026, 2, 1, 9, tzinfo=UTC)


def private(seed: str) -> Ed25519PrivateKey:
    """The same key each time."""
    return Ed25519PrivateKey.from_private_bytes(sha256(seed.encode()).digest())


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


@dataclass
class Issuer:
    """Whoever makes receipts: a log with a witness, and holders."""

    seed: str = "issuer"
    holders: Sequence[str] = ("audit-log", "notifications", "profile", "retention")
    entries: list[bytes] = field(default_factory=lambda: [b"other %d" % n for n in range(6)])

    @property
    def log(self) -> NoteKey:
        return NoteKey("log.example", ED25519, raw(private(f"{self.seed} log")))

    @property
    def witness(self) -> NoteKey:
        return NoteKey("witness.example", COSIGNATURE, raw(private(f"{self.seed} witness")))

    def keys(self) -> bytes:
        found = {name: raw(private(f"{self.seed} {name}")) for name in self.holders}
        return keys_file(self.log, [self.witness], found)

    def body(self, number: str = "a number") -> ReceiptBody:
        name = name_of(number)
        return ReceiptBody(
            receipt=name,
            edition=2,
            policy="1",
            categories=ERASED,
            requested_on="2026-01-31",
            done_on="2026-02-01",
            fence_passed_on="2026-02-01",
            unreadable=Unreadable(live_since="2026-02-01", backups_by="2026-02-09"),
            holders=tuple(self.part(name, holder) for holder in self.holders),
            recipients=RecipientCounts(told=3, acknowledged=2, unresponsive=1),
            scans=(ScanPart(scanned_on="2026-02-08", holders=4, columns=321, found=0),),
        )

    def part(
        self,
        name: str,
        holder: str,
        *,
        rows: Mapping[str, int] = _ROWS,
        held: int = 2,
        asking: int = 1,
        categories: Sequence[str] = ERASED,
    ) -> HolderPart:
        kept = (HeldPart(category="communication", ground="17(3)(e)", records=held, review_on="2026-06-01"),)
        unsigned = HolderPart(
            holder=holder,
            asking=asking,
            categories=tuple(categories),
            rows=dict(rows),
            held=kept if holder == "notifications" else (),
            erased_on="2026-01-31",
            signature="-",
        )
        message = signed_statement(name, unsigned.model_dump(mode="json", exclude={"signature"}))
        signature = urlsafe_b64encode(private(f"{self.seed} {holder}").sign(message)).decode()
        return unsigned.model_copy(update={"signature": signature})

    def receipt(self, body: ReceiptBody | None = None, *, salt: bytes = b"s" * 32) -> Receipt:
        body = body or self.body()
        payload = ErasureAttested(receipt=body.receipt, digest=body.digest()).model_dump_json()
        commitment = hmac.digest(salt, payload.encode(), sha256)
        leaf = leaf_bytes(ErasureAttested.type, ISSUER, HOUR, commitment)
        return Receipt(
            body=body,
            event=OpenedEvent(payload=payload, salt=b64encode(salt).decode()),
            leaf=leaf.decode(),
            proof=self.proof(leaf).decode(),
        )

    def proof(self, leaf: bytes) -> bytes:
        """Of the last entry but one."""
        hashes = [leaf_hash(one) for one in (*self.entries, leaf, b"the last")]

        def part(leaves: Leaves) -> bytes:
            return root_of(hashes[leaves.start : leaves.end])

        index, size = len(self.entries), len(hashes)
        return EntryProof(index, tuple(inclusion_proof(index, size, part)), self.note(size, root_of(hashes))).to_bytes()

    def note(self, size: int, root: bytes) -> Note:
        text, at = Checkpoint(self.log.name, size, root).text(), 1_770_000_000
        log = Signature(self.log.name, self.log.id, private(f"{self.seed} log").sign(text.encode()))
        cosigned = at.to_bytes(8, "big") + private(f"{self.seed} witness").sign(cosigned_message(at, text))
        return Note(text, (log, Signature(self.witness.name, self.witness.id, cosigned)))
