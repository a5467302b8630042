"""Key-encryption keys: what they wrap opens only as what it was wrapped as, and a directory that lost one says so."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from retention_service.kek import (
    BadKeks,
    KeyEncryptionKeys,
    Wrapped,
    begin_epoch,
    destroy_epoch,
    has_epochs,
    load,
    put_epoch,
)

KEKS = KeyEncryptionKeys({1: b"1" * 32, 2: b"2" * 32})


@given(st.uuids(), st.sampled_from(["user_information", "log"]), st.binary(min_size=32, max_size=32))
def test_a_wrapped_key_opens_as_what_it_was(subject: UUID, category: str, key: bytes) -> None:
    wrapped = KEKS.wrap(subject, category, key)
    assert wrapped.epoch == 2
    assert key not in wrapped.ciphertext
    assert KEKS.unwrap(subject, category, wrapped) == key


@given(st.data())
def test_a_wrapped_key_opens_for_nobody_and_nothing_else(data: st.DataObject) -> None:
    subject, key = uuid4(), b"k" * 32
    wrapped = KEKS.wrap(subject, "application", key)
    at = data.draw(st.integers(0, len(wrapped.ciphertext) - 1))
    flipped = bytes(byte ^ (i == at) for i, byte in enumerate(wrapped.ciphertext))
    for who, what, how in (
        (uuid4(), "application", wrapped),
        (subject, "communication", wrapped),
        (subject, "application", Wrapped(1, wrapped.ciphertext)),
        (subject, "application", Wrapped(2, flipped)),
        (subject, "application", Wrapped(2, wrapped.ciphertext[: data.draw(st.integers(0, 59))])),
    ):
        with pytest.raises(BadKeks, match="moved or damaged"):
            KEKS.unwrap(who, what, how)


def test_an_epoch_that_is_not_there_is_named_with_the_cure() -> None:
    with pytest.raises(BadKeks, match=r"epoch 9 is missing: restore its file"):
        KEKS.unwrap(uuid4(), "log", Wrapped(9, b"x" * 60))
    with pytest.raises(BadKeks, match=r"epochs \[3, 9\].*restore their files"):
        KEKS.require([1, 9, 3])
    KEKS.require([2, 1])


def test_epochs_are_made_in_order_for_their_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "keks"
    assert not has_epochs(directory)
    assert [begin_epoch(directory) for _ in range(3)] == [1, 2, 3]
    assert has_epochs(directory)
    assert oct(directory.stat().st_mode)[-3:] == "700"
    assert {oct(file.stat().st_mode)[-3:] for file in directory.iterdir()} == {"600"}
    keks = load(directory)
    assert keks.epochs == {1, 2, 3}
    assert keks.newest == 3


def test_a_destroyed_epoch_opens_nothing_and_the_newest_can_not_be_destroyed(tmp_path: Path) -> None:
    begin_epoch(tmp_path / "keks")
    subject = uuid4()
    wrapped = load(tmp_path / "keks").wrap(subject, "log", b"k" * 32)
    with pytest.raises(BadKeks, match="is the newest"):
        destroy_epoch(tmp_path / "keks", 1)
    begin_epoch(tmp_path / "keks")
    destroy_epoch(tmp_path / "keks", 1)
    with pytest.raises(BadKeks, match="a rotation destroyed"):
        load(tmp_path / "keks").unwrap(subject, "log", wrapped)


def test_a_destroyed_epoch_whose_file_comes_back_is_not_believed_and_its_number_is_not_used_again(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "keks"
    begin_epoch(directory)
    copy = (directory / "epoch-000001.kek").read_bytes()
    begin_epoch(directory)
    destroy_epoch(directory, 1)
    with pytest.raises(BadKeks, match="it does not come back"):
        put_epoch(directory, 1, copy)
    (directory / "epoch-000001.kek").write_bytes(copy)
    assert load(directory).epochs == {2}
    destroy_epoch(directory, 1)
    assert not (directory / "epoch-000001.kek").exists()
    (directory / "epoch-000002.kek").unlink()
    assert begin_epoch(directory) == 2


def test_two_processes_never_make_the_same_epoch(tmp_path: Path) -> None:
    directory = tmp_path / "keks"

    def at_the_same_time(_epoch: int, _kek: bytes) -> None:
        with pytest.raises(BadKeks, match="another process makes an epoch"):
            begin_epoch(directory)

    assert begin_epoch(directory, at_the_same_time) == 1
    assert load(directory).epochs == {1}


def test_a_directory_that_others_may_read_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "keks"
    begin_epoch(directory)
    (directory / "epoch-000001.kek").chmod(0o640)
    with pytest.raises(BadKeks, match="chmod 600"):
        load(directory)
    (directory / "epoch-000001.kek").chmod(0o600)
    directory.chmod(0o750)
    with pytest.raises(BadKeks, match="chmod 700"):
        load(directory)


def test_an_absent_an_empty_and_a_damaged_directory_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadKeks, match="can't be read"):
        load(tmp_path / "absent")
    (tmp_path / "empty").mkdir(mode=0o700)
    with pytest.raises(BadKeks, match="run this service with `migrate`"):
        load(tmp_path / "empty")
    begin_epoch(tmp_path / "short")
    (tmp_path / "short" / "epoch-000001.kek").write_bytes(b"too short")
    with pytest.raises(BadKeks, match=r"epochs \[1\] are damaged"):
        load(tmp_path / "short")
