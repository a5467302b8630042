"""Two verifiers that share no code believe the same receipts, and refuse whatever is not one, saying why."""

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from contracts.receipt_files import BadReceipt, Receipt, ReceiptBody, RetiredPart, check_receipt
from contracts.receipt_keys import BadReceiptKeys, read_receipt_keys
from contracts.receipts import canonical
from hypothesis import given, settings
from hypothesis import strategies as st
from tillit_cli.log import is_signed
from tillit_cli.main import app
from tillit_cli.receipt import told
from typer.testing import CliRunner

from .made_receipts import ERASED, Issuer

TOOL = Path(__file__).parents[2] / "tools/verify_receipt.py"
ISSUER = Issuer()
TRUE = ISSUER.receipt().to_bytes()
KEYS = ISSUER.keys()

Verify = Callable[[bytes, bytes], str]
"""Nothing when it believes the receipt, else why it does not."""


def ours(data: bytes, keys: bytes) -> str:
    try:
        check_receipt(data, read_receipt_keys(keys), is_signed)
    except (BadReceipt, BadReceiptKeys) as error:
        return str(error)
    return ""


def _tool() -> Any:
    spec = importlib.util.spec_from_file_location("verify_receipt", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_TOOL = _tool()


def alone(data: bytes, keys: bytes) -> str:
    try:
        _TOOL.verify(data, keys)
    except _TOOL.Refused as error:
        return str(error)
    return ""


both = pytest.mark.parametrize("verify", [ours, alone], ids=["tillit", "stand-alone"])


@both
def test_a_true_receipt_is_believed(verify: Verify) -> None:
    assert verify(TRUE, KEYS) == ""


def test_the_stand_alone_verifier_is_one_file_that_needs_one_package() -> None:
    imported = set(re.findall(r"^(?:import|from) (\w+)", TOOL.read_text(), re.MULTILINE))
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}


def _fields(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    members = cast("dict[str, Any]", value).items() if isinstance(value, dict) else ()
    places = enumerate(cast("list[Any]", value)) if isinstance(value, list) else ()
    for name, member in (*members, *places):
        yield from _fields(member, (*path, name))


FIELDS = list(_fields(json.loads(TRUE)))
STRANGE: list[object] = [None, "", "x", 0, -1, 1.5, True, [], {}, "2026-01-30", 2**60, "æ", "00"]


def _with(path: tuple[str | int, ...], value: object) -> bytes:
    content = json.loads(TRUE)
    at = content
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return canonical(content) + b"\n"


@both
@pytest.mark.parametrize("path", FIELDS, ids=lambda path: ".".join(map(str, path)))
def test_a_receipt_with_any_field_changed_is_refused(verify: Verify, path: tuple[str | int, ...]) -> None:
    for value in STRANGE:
        changed = _with(path, value)
        assert changed == TRUE or verify(changed, KEYS)


@both
@pytest.mark.parametrize("path", FIELDS, ids=lambda path: ".".join(map(str, path)))
def test_a_receipt_that_lacks_any_field_is_refused(verify: Verify, path: tuple[str | int, ...]) -> None:
    content = json.loads(TRUE)
    at = content
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    assert verify(canonical(content) + b"\n", KEYS)


@both
@pytest.mark.parametrize("where", ["", "body", "event", "body.unreadable", "body.recipients"])
def test_a_receipt_with_a_field_more_is_refused(verify: Verify, where: str) -> None:
    content = json.loads(TRUE)
    at = content
    for step in filter(None, where.split(".")):
        at = at[step]
    at["more"] = "x"
    assert verify(canonical(content) + b"\n", KEYS)


@both
def test_a_receipt_with_any_byte_changed_is_refused(verify: Verify) -> None:
    believed = [at for at in range(len(TRUE)) if not verify(TRUE[:at] + bytes([TRUE[at] ^ 1]) + TRUE[at + 1 :], KEYS)]
    assert believed == []


@both
def test_a_receipt_that_was_cut_off_anywhere_is_refused(verify: Verify) -> None:
    assert [at for at in range(0, len(TRUE), 7) if not verify(TRUE[:at], KEYS)] == []


@both
@pytest.mark.parametrize(
    "data",
    [
        TRUE[:-1],
        TRUE + b"\n",
        b" " + TRUE,
        json.dumps(json.loads(TRUE), indent=1).encode(),
        TRUE.replace(b'"edition":2', b'"edition":2,"edition":2'),
        TRUE.replace(b"profile", b"\\u0070rofile"),
        b"\xef\xbb\xbf" + TRUE,
        b"",
        b"[]\n",
        b"null\n",
        b"[" * 100_000,
        TRUE * 400,
    ],
    ids=["no line break", "two", "a space", "indented", "a field twice", "escaped", "a mark", *"[]nd*"],
)
def test_a_receipt_in_any_other_form_is_refused(verify: Verify, data: bytes) -> None:
    assert verify(data, KEYS)


@both
def test_the_proof_of_another_receipt_proves_nothing(verify: Verify) -> None:
    other = ISSUER.receipt(ISSUER.body("another number"))
    true = ISSUER.receipt()
    for part in ("proof", "leaf", "event", "body"):
        mixed = true.model_copy(update={part: getattr(other, part)})
        assert verify(mixed.to_bytes(), KEYS)
    together = true.model_copy(update={"proof": other.proof, "leaf": other.leaf, "event": other.event})
    assert "attests another body" in verify(together.to_bytes(), KEYS)


@both
def test_a_statement_of_another_receipt_is_not_signed_for_this_one(verify: Verify) -> None:
    body, other = ISSUER.body(), ISSUER.body("another number")
    for n, holder in enumerate(ISSUER.holders):
        parts = [*body.holders[:n], other.holders[n], *body.holders[n + 1 :]]
        mixed = ISSUER.receipt(body.model_copy(update={"holders": tuple(parts)}))  # the issuer itself attests it
        assert f"the statement of {holder} is not signed" in verify(mixed.to_bytes(), KEYS)


@both
def test_what_the_issuer_attests_without_the_holder_is_refused(verify: Verify) -> None:
    body = ISSUER.body()
    part = body.holders[2].model_copy(update={"rows": {"user_information": 99}})
    more = body.model_copy(update={"holders": (*body.holders[:2], part, *body.holders[3:])})
    twice = body.model_copy(update={"holders": (*body.holders, body.holders[0])})
    for forged in (more, twice):
        assert verify(ISSUER.receipt(forged).to_bytes(), KEYS)


@both
def test_a_receipt_is_refused_under_keys_that_are_not_its_own(verify: Verify) -> None:
    stranger = Issuer("a stranger")
    content, others = json.loads(KEYS), json.loads(stranger.keys())
    for part in ("log", "witnesses", "holders"):
        assert verify(TRUE, json.dumps({**content, part: others[part]}).encode())
    assert verify(stranger.receipt().to_bytes(), KEYS)
    assert "no key of the holder profile" in verify(TRUE, Issuer(holders=("audit-log", "notifications")).keys())


@both
def test_a_checkpoint_that_is_too_old_for_the_entry_is_refused(verify: Verify) -> None:
    receipt = ISSUER.receipt()
    head, _, note = receipt.proof.partition("\n\n")
    older = Issuer(entries=ISSUER.entries[:2])
    stale = older.receipt().proof.partition("\n\n")[2]
    assert "not in a tree of this size" in verify(
        receipt.model_copy(update={"proof": f"{head}\n\n{stale}"}).to_bytes(), KEYS
    )
    moved = head.replace("index 6", "index 5")
    assert "the proof" in verify(receipt.model_copy(update={"proof": f"{moved}\n\n{note}"}).to_bytes(), KEYS)


@both
def test_a_witness_that_did_not_sign_is_missed(verify: Verify) -> None:
    receipt = ISSUER.receipt()
    alone_signed = "\n".join(line for line in receipt.proof.split("\n") if "witness.example" not in line)
    assert "not signed by witness.example" in verify(
        receipt.model_copy(update={"proof": alone_signed}).to_bytes(), KEYS
    )
    content = json.loads(KEYS)
    content["witnesses"] = []
    assert verify(receipt.model_copy(update={"proof": alone_signed}).to_bytes(), json.dumps(content).encode()) == ""


@both
@pytest.mark.parametrize(
    "keys", [b"", b"{}", b"[]", KEYS.replace(b"log.example+", b"other.example+"), KEYS.replace(b"keys/1", b"keys/2")]
)
def test_a_file_of_keys_that_is_none_is_refused(verify: Verify, keys: bytes) -> None:
    assert verify(TRUE, keys)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(FIELDS),
    st.one_of(st.sampled_from(STRANGE), st.integers(), st.text(max_size=60), st.floats(allow_nan=False)),
)
def test_both_verifiers_agree_on_whatever_was_done_to_a_receipt(path: tuple[str | int, ...], value: object) -> None:
    changed = _with(path, value)
    assert bool(ours(changed, KEYS)) == bool(alone(changed, KEYS))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(TRUE) - 1), st.integers(0, 40), st.binary(max_size=40))
def test_both_verifiers_agree_on_bytes_that_were_cut_out_and_put_in(at: int, cut: int, put: bytes) -> None:
    changed = TRUE[:at] + put + TRUE[at + cut :]
    assert bool(ours(changed, KEYS)) == bool(alone(changed, KEYS)) == (changed != TRUE)


def test_the_stand_alone_verifier_says_what_a_true_receipt_proves_and_ends_well(tmp_path: Path) -> None:
    done = _run(tmp_path, TRUE, KEYS)
    assert done.returncode == 0, done.stderr
    for shown in ("proves what it says", "profile erased", "2 records are held", "2026-02-09", "8 entries"):
        assert shown in done.stdout


def test_both_verifiers_warn_of_a_holder_whose_key_is_known_and_who_states_nothing(tmp_path: Path) -> None:
    more = Issuer(holders=(*ISSUER.holders, "assessments", "search")).keys()
    checked = check_receipt(TRUE, read_receipt_keys(more), is_signed)
    assert checked.silent == ["assessments", "search"]
    done = _run(tmp_path, TRUE, more)
    assert done.returncode == 0, done.stderr
    ours_told = CliRunner().invoke(
        app, ["receipt", "verify", str(tmp_path / "receipt.json"), "--keys", str(tmp_path / "keys.json")]
    )
    assert ours_told.exit_code == 0
    for said in (done.stdout, ours_told.output):
        warned = [line for line in said.splitlines() if line.startswith("WARNING: ")]
        assert [line.split(" ")[1] for line in warned] == ["assessments,", "search,"]


def _asked_twice(asking: int = 2, categories: Sequence[str] = ERASED) -> ReceiptBody:
    """The first asking, of notifications alone, was for less; profile answers the second, or what is told."""
    body = ISSUER.body()
    parts = {name: ISSUER.part(body.receipt, name, asking=2) for name in ISSUER.holders}
    parts["notifications"] = ISSUER.part(body.receipt, "notifications", rows={"user_information": 3}, held=5, asking=2)
    parts["profile"] = ISSUER.part(body.receipt, "profile", asking=asking, categories=categories)
    first = ISSUER.part(body.receipt, "notifications", categories=("communication",))
    return body.model_copy(update={"holders": (parts.pop("audit-log"), first, *parts.values())})


@both
@pytest.mark.parametrize(
    ("asking", "categories"),
    [(1, ERASED), (3, ERASED), (2, ("communication",))],
    ids=["a former one", "a later", "less"],
)
def test_a_holder_that_did_not_answer_the_last_asking_for_everything_makes_no_receipt(
    verify: Verify, asking: int, categories: Sequence[str]
) -> None:
    assert verify(ISSUER.receipt(_asked_twice()).to_bytes(), KEYS) == ""
    assert "did not answer the last asking" in verify(ISSUER.receipt(_asked_twice(asking, categories)).to_bytes(), KEYS)


@both
def test_an_answer_that_is_shown_twice_or_before_an_earlier_one_makes_no_receipt(verify: Verify) -> None:
    body = _asked_twice()
    others, first, second = body.holders[:1], *body.holders[1:3]
    for shown in ((first, first, second), (first, second, second), (second, first)):
        forged = body.model_copy(update={"holders": (*others, *shown, *body.holders[3:])})
        assert "not in order" in verify(ISSUER.receipt(forged).to_bytes(), KEYS)


def test_both_verifiers_add_up_what_a_holder_that_was_asked_twice_states_and_take_what_it_holds_from_its_last_answer(
    tmp_path: Path,
) -> None:
    receipt = ISSUER.receipt(_asked_twice()).to_bytes()
    done = _run(tmp_path, receipt, KEYS)
    assert done.returncode == 0, done.stderr
    said = "\n".join(told(check_receipt(receipt, read_receipt_keys(KEYS), is_signed)))
    line = "  notifications erased 4 rows of communication, 3 rows of user_information; 5 records are held"
    assert [text.splitlines().count(line) for text in (said, done.stdout)] == [1, 1]
    assert [text.count("notifications erased") for text in (said, done.stdout)] == [1, 1]


def _retired(*names: str) -> ReceiptBody:
    return ISSUER.body().model_copy(
        update={"retired": tuple(RetiredPart(holder=name, retired_on="2026-01-30") for name in names)}
    )


def test_both_verifiers_warn_of_a_holder_that_was_retired_without_an_answer(tmp_path: Path) -> None:
    more = Issuer(holders=(*ISSUER.holders, "assessments")).keys()
    receipt = ISSUER.receipt(_retired("assessments")).to_bytes()
    checked = check_receipt(receipt, read_receipt_keys(more), is_signed)
    assert checked.silent == []
    for said in ("\n".join(told(checked)), _run(tmp_path, receipt, more).stdout):
        [line] = [line for line in said.splitlines() if line.startswith("WARNING: ")]
        assert line == "WARNING: assessments was retired on 2026-01-30 and did not answer: see what it held"


@both
@pytest.mark.parametrize("names", [("search", "assessments"), ("search", "search")], ids=["unordered", "twice"])
def test_retired_holders_that_stand_in_any_other_order_are_refused(verify: Verify, names: tuple[str, ...]) -> None:
    assert "not in order" in verify(ISSUER.receipt(_retired(*names)).to_bytes(), KEYS)


@both
@pytest.mark.parametrize("value", [*STRANGE, [{}], [{"holder": "search"}]], ids=repr)
def test_a_receipt_whose_retired_holders_are_no_list_of_such_is_refused(verify: Verify, value: object) -> None:
    content = json.loads(TRUE)
    content["body"]["retired"] = value
    assert verify(canonical(content) + b"\n", KEYS)


def test_neither_verifier_warns_when_every_known_holder_states_something(tmp_path: Path) -> None:
    checked = check_receipt(TRUE, read_receipt_keys(KEYS), is_signed)
    assert checked.silent == []
    assert "WARNING" not in "\n".join(told(checked)) + _run(tmp_path, TRUE, KEYS).stdout


def test_the_stand_alone_verifier_says_why_it_refuses_and_ends_ill(tmp_path: Path) -> None:
    done = _run(tmp_path, _with(("body", "edition"), 3), KEYS)
    assert done.returncode == 1
    assert "REFUSED: the event attests another body" in done.stderr


def test_the_stand_alone_verifier_that_is_called_wrongly_says_how_to(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(TOOL)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "verify_receipt.py RECEIPT KEYS" in done.stderr
    missing = [sys.executable, str(TOOL), str(tmp_path / "none"), str(tmp_path / "none")]
    assert subprocess.run(missing, capture_output=True, text=True, timeout=30).returncode == 2


def test_a_receipt_reads_back_as_it_was_made() -> None:
    assert Receipt.model_validate_json(TRUE) == ISSUER.receipt()


def _run(folder: Path, receipt: bytes, keys: bytes) -> "subprocess.CompletedProcess[str]":
    (folder / "receipt.json").write_bytes(receipt)
    (folder / "keys.json").write_bytes(keys)
    command = [sys.executable, "-I", str(TOOL), str(folder / "receipt.json"), str(folder / "keys.json")]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)
