"""The receipt of an erasure as its bearer keeps it, and how anybody checks it offline with nothing but public keys.

The file is canonical JSON (`contracts.receipts.canonical`) and a line break: no second text says the same. Its body is
what holders signed for, part by part, and what the public log committed to as a whole: body -> SHA-256 in the event ->
HMAC under the salt in the leaf -> inclusion in the tree -> checkpoint that the log, and its witnesses, signed.
`docs/guides/verify-a-receipt.md` has the format in words; `tools/verify_receipt.py` checks it without this code.
"""

import hmac
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Collection, Sequence
from hashlib import sha256
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, ValidationError, model_serializer

from contracts.log_leaf import BadLeaf, read_leaf
from contracts.merkle import BadProof, leaf_hash
from contracts.notes import BadNote, Checkpoint, SignatureCheck, check_proof, from_text, read_proof
from contracts.receipt_keys import ReceiptKeys
from contracts.receipts import ErasureAttested, canonical, signed_statement

FORMAT: Final = "tillit-receipt/1"
ISSUER: Final = "retention"
"""The service whose event the log committed to."""
MOST_BYTES: Final = 1024 * 1024
_SALT_BYTES: Final = 32

_Count = Annotated[int, Field(ge=0, lt=2**53)]
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_:.-]{0,99}$")]
_Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
_Text = Annotated[str, Field(min_length=1, max_length=200)]


class BadReceipt(ValueError):
    """The file is no receipt, or does not prove what it says. The text says why."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class HeldPart(_Part):
    """Records of one category that a holder keeps under a hold (GDPR Art. 17(3)), until its review at the latest."""

    category: _Name
    ground: _Text
    records: _Count
    review_on: _Day


class HolderPart(_Part):
    """What one holder states to one asking: rows erased by category, what it holds, the day; `signature`: base64url.

    `asking` counts from 1; `categories`, in order, are those that it was asked to erase.
    """

    holder: _Name
    asking: Annotated[int, Field(ge=1, lt=2**31)]
    categories: Annotated[tuple[_Name, ...], Field(min_length=1)]
    rows: dict[_Name, _Count]
    held: tuple[HeldPart, ...]
    erased_on: _Day
    signature: _Text


class RecipientCounts(_Part):
    """How many who had received data of the person were told (GDPR Art. 19), and what they did. Nobody is named."""

    told: _Count
    acknowledged: _Count
    unresponsive: _Count


class Unreadable(_Part):
    """Since which day no living copy of what was erased can be read, but for what is held, and by which day nothing that is
    sealed in a backup can."""

    live_since: _Day
    backups_by: _Day


class ScanPart(_Part):
    """A later look through every column of every holder: how many columns were read, how many rows were found."""

    scanned_on: _Day
    holders: _Count
    columns: _Count
    found: _Count


class RetiredPart(_Part):
    """A holder that was gone for good before the erasure was done: it did not answer, and nobody says what it erased."""

    holder: _Name
    retired_on: _Day


class ReceiptBody(_Part):
    """What was done, without whom it was done for. A later edition under the same name says more, and replaces it.

    A holder that was asked again states again, after its earlier answer: rows add up, and it holds what it said last. All
    but the retired answer the last asking, which was for everything that is erased.
    """

    receipt: _Text
    edition: Annotated[int, Field(ge=1, lt=2**31)]
    policy: _Text
    categories: Annotated[tuple[_Name, ...], Field(min_length=1)]
    requested_on: _Day
    done_on: _Day
    fence_passed_on: _Day
    unreadable: Unreadable
    holders: Annotated[tuple[HolderPart, ...], Field(min_length=1)]
    recipients: RecipientCounts
    scans: tuple[ScanPart, ...]
    retired: tuple[RetiredPart, ...] = ()
    """In order of their names; left out where there is none."""

    @model_serializer(mode="wrap")
    def _leave_out_nobody(self, written: SerializerFunctionWrapHandler) -> dict[str, object]:
        content: dict[str, object] = written(self)
        if not self.retired:
            del content["retired"]
        return content

    def canonical(self) -> bytes:
        """The bytes whose SHA-256 is attested."""
        return canonical(self.model_dump(mode="json"))

    def digest(self) -> str:
        """Hexadecimal SHA-256, as in `ErasureAttested`."""
        return sha256(self.canonical()).hexdigest()


class OpenedEvent(_Part):
    """The body of `ErasureAttested` as it was sent, and the salt (base64) that opens the log's commitment to it."""

    payload: str
    salt: str


class Receipt(_Part):
    """The whole file. `leaf` is the log's entry and `proof` a C2SP tlog-proof of it, both as text."""

    format: Literal["tillit-receipt/1"] = FORMAT
    body: ReceiptBody
    event: OpenedEvent
    leaf: str
    proof: str

    def to_bytes(self) -> bytes:
        return canonical(self.model_dump(mode="json")) + b"\n"


class CheckedReceipt(NamedTuple):
    """A receipt that proves what it says, and the signed root of the log under which it stands.

    `silent` are the holders whose keys are known and who state nothing in it, by name: they came later, or it leaves
    them out. The file can't tell which.
    """

    receipt: Receipt
    checkpoint: Checkpoint
    silent: Sequence[str]


def read_receipt(data: bytes) -> Receipt:
    """The receipt, its form checked and nothing else.

    Raises:
        BadReceipt: it has another form.
    """
    if len(data) > MOST_BYTES:
        raise BadReceipt("the file is too large for a receipt")
    try:
        receipt = Receipt.model_validate_json(data)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BadReceipt(f"the file is no receipt: see {place}" if place else "the file is no receipt") from None
    except ValueError:
        raise BadReceipt("the file is no receipt") from None
    if _encoded(receipt) != data:
        raise BadReceipt("the file is not in the one form that receipts have: it was changed, or written anew")
    return receipt


def check_receipt(data: bytes, keys: ReceiptKeys, check: SignatureCheck) -> CheckedReceipt:
    """Check everything that the file says of itself, offline.

    Args:
        data: the file.
        keys: whom to believe.
        check: whether a signature of Ed25519 is good.

    Raises:
        BadReceipt: it proves nothing; the text says what is wrong first.
    """
    receipt = read_receipt(data)
    body = receipt.body
    _check_statements(body, keys, check)
    payload = receipt.event.payload.encode()
    if payload != ErasureAttested(receipt=body.receipt, digest=body.digest()).model_dump_json().encode():
        raise BadReceipt("the event attests another body")
    salt = _salt_of(receipt.event.salt)
    try:
        leaf = read_leaf(receipt.leaf.encode())
    except BadLeaf as error:
        raise BadReceipt(f"the log's entry: {error}") from None
    if (leaf.type, leaf.source) != (ErasureAttested.type, ISSUER):
        raise BadReceipt("the log's entry is of another event")
    if not hmac.compare_digest(leaf.commitment, hmac.digest(salt, payload, sha256)):
        raise BadReceipt("the log's entry commits to another event")
    proof = receipt.proof.encode()
    try:
        checkpoint = check_proof(proof, leaf_hash(receipt.leaf.encode()), keys.log, check, keys.witnesses)
        if read_proof(proof).to_bytes() != proof:
            raise BadReceipt("the proof is not in its one form")
    except (BadNote, BadProof) as error:
        raise BadReceipt(f"the proof: {error}") from None
    silent = sorted(set(keys.holders) - {part.holder for part in (*body.holders, *body.retired)})
    return CheckedReceipt(receipt, checkpoint, silent)


def _encoded(receipt: Receipt) -> bytes:
    try:
        return receipt.to_bytes()
    except UnicodeEncodeError:
        raise BadReceipt("the file is no receipt: it holds what is no text") from None


def _check_statements(body: ReceiptBody, keys: ReceiptKeys, check: SignatureCheck) -> None:
    names = [part.holder for part in body.holders]
    if names != sorted(names):
        raise BadReceipt("the holders are not in order")
    retired = [part.holder for part in body.retired]
    if retired != sorted(set(retired)):
        raise BadReceipt("the retired holders are not in order, each once")
    for part in body.holders:
        message = signed_statement(body.receipt, part.model_dump(mode="json", exclude={"signature"}))
        signature = _signature_of(part)
        if part.holder not in keys.holders:
            raise BadReceipt(f"no key of the holder {part.holder} is known")
        if not any(check(key, message, signature) for key in keys.holders[part.holder]):
            raise BadReceipt(f"the statement of {part.holder} is not signed by it")
    _check_askings(body, set(retired))


def _check_askings(body: ReceiptBody, retired: Collection[str]) -> None:
    """Every holder answered the last asking, for all that is erased, and none answered one twice."""
    last = max(part.asking for part in body.holders)
    for holder, stated in groupby(body.holders, key=attrgetter("holder")):
        parts = list(stated)
        if any(one.asking >= two.asking for one, two in pairwise(parts)):
            raise BadReceipt(f"the answers of {holder} are not in order, one to each asking")
        if holder in retired:
            continue
        if (parts[-1].asking, parts[-1].categories) != (last, body.categories):
            raise BadReceipt(f"{holder} did not answer the last asking, for everything that is erased")


def _signature_of(part: HolderPart) -> bytes:
    try:
        return b64decode(part.signature, altchars=b"-_", validate=True)
    except (NotBase64, ValueError):
        raise BadReceipt(f"the signature of {part.holder} is not base64url") from None


def _salt_of(text: str) -> bytes:
    try:
        salt = from_text(text)
    except BadNote:
        raise BadReceipt("the salt is not base64 in its one form") from None
    if len(salt) != _SALT_BYTES:
        raise BadReceipt(f"the salt has not {_SALT_BYTES} bytes")
    return salt
