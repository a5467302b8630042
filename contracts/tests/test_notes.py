"""Notes, checkpoints, cosignatures and proofs have one form, are believed only when signed, and are read back whole."""

import pytest
from contracts.merkle import BadProof, inclusion_proof, leaf_hash, root_of
from contracts.notes import (
    COSIGNATURE,
    BadNote,
    Checkpoint,
    EntryProof,
    Note,
    NoteKey,
    check_proof,
    open_checkpoint,
    read_checkpoint,
    read_key,
    read_note,
    read_proof,
    signed_by,
)

from .logs import Signer, SmallLog, check


def test_a_key_of_gos_documentation_has_the_id_that_it_has_there() -> None:
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = read_key(text)
    assert (key.name, key.id.hex(), str(key)) == ("PeterNeumann", "c74f20a3", text)


def test_a_note_of_gos_documentation_is_read_and_believed() -> None:
    key = read_key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    data = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    ).encode()
    note = read_note(data)
    assert signed_by(note, key, check)
    assert note.to_bytes() == data
    with pytest.raises(BadNote):
        signed_by(Note(note.text.replace("answer", "answers"), note.signatures), key, check)


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "a+b", "a+00000000+AQ==", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
        *("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "a+00000000+***"),
    ],
)
def test_a_key_that_is_not_whole_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        read_key(text)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"text\n", b"text\n\n", b"text\n\n- name AAAAAAAA\n", "text\n\n— name AAAAAAAA".encode()),
        *("text\n\n— name\n".encode(), "text\n\n— na+me AAAAAAAA\n".encode(), "text\n\n— name AAAA\n".encode()),
        *("te\x00xt\n\n— name AAAAAAAA\n".encode(), b"\xff\n\n\xe2\x80\x94 name AAAAAAAA\n"),
        *("text\n\n— name AAAAAAB=\n".encode(), b"x" * 70_000),
    ],
)
def test_bytes_that_are_no_note_are_refused(data: bytes) -> None:
    with pytest.raises(BadNote):
        read_note(data)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n1\n",
        "log\n01\nAAAA\n",
        "log\n-1\nAAAA\n",
        "log\n1\nAAAA\n",
        "\n1\n" + "A" * 43 + "=\n",
        "log\n²\nAAAA\n",
    ],
)
def test_a_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        read_checkpoint(text)


def test_a_checkpoint_is_read_back_with_whatever_others_add_to_it() -> None:
    checkpoint = Checkpoint("log.example", 20, root_of([leaf_hash(b"a")]))
    assert read_checkpoint(checkpoint.text()) == checkpoint
    assert read_checkpoint(checkpoint.text() + "an extension\n") == checkpoint


def test_a_cosignature_is_of_this_text_at_its_time_by_this_witness() -> None:
    log = SmallLog(5)
    assert signed_by(log.note, log.witness.key, check)
    own = log.note.signatures[1]
    later = own._replace(value=(1).to_bytes(8, "big") + own.value[8:])
    for forged in (later, own._replace(value=own.value[8:]), own._replace(value=own.value + b"x")):
        with pytest.raises(BadNote):
            signed_by(Note(log.note.text, (forged,)), log.witness.key, check)
    as_log_key = NoteKey(log.witness.name, 1, log.witness.key.public)
    assert not signed_by(log.note, as_log_key, check)


def test_who_is_unknown_is_not_believed_and_disturbs_nobody() -> None:
    log, stranger = SmallLog(5), Signer("stranger.example", COSIGNATURE)
    note = Note(log.note.text, (*log.note.signatures, stranger.sign(log.note.text)))
    assert open_checkpoint(note.to_bytes(), log.signer.key, check)[0] == log.checkpoint
    with pytest.raises(BadNote, match="another log"):
        open_checkpoint(note.to_bytes(), log.signer.key._replace(name="log.example/other"), check)


def test_a_proof_is_checked_offline_and_proves_its_entry_only() -> None:
    log = SmallLog(6)
    hashes = [leaf_hash(one) for one in log.leaves]
    path = inclusion_proof(4, 6, lambda part: root_of(hashes[part.start : part.end]))
    data = EntryProof(4, tuple(path), log.note).to_bytes()
    assert data.startswith(b"c2sp.org/tlog-proof@v1\nindex 4\n")
    assert read_proof(data).to_bytes() == data
    assert check_proof(data, hashes[4], log.signer.key, check, [log.witness.key]) == log.checkpoint
    with pytest.raises(BadProof):
        check_proof(data, hashes[3], log.signer.key, check)
    with_extra = data.replace(b"index", b"extra AAAA\nindex", 1)
    assert check_proof(with_extra, hashes[4], log.signer.key, check) == log.checkpoint
    for at in range(len(data)):
        bad = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises((BadNote, BadProof)):
            check_proof(bad, hashes[4], log.signer.key, check, [log.witness.key])
