"""Whatever byte of a log is changed, the audit finds it, and names the first entry that is wrong."""

from collections.abc import Iterable

import pytest
from contracts.log_audit import LogBroken, audit, audit_others
from contracts.log_tiles import CHECKPOINT, Tile, pack_bundle
from contracts.merkle import leaf_hash
from hypothesis import given, settings
from hypothesis import strategies as st

from .logs import SmallLog, check, leaf


def run(log: SmallLog) -> None:
    audited = audit(log.read, log.signer.key, check, witnesses=[log.witness.key])
    audit_others(log.read, log.files, audited)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 600])
def test_a_whole_log_is_found_whole(size: int) -> None:
    log = SmallLog(size)
    told: list[tuple[int, int]] = []
    audited = audit(log.read, log.signer.key, check, progress=lambda done, of: told.append((done, of)))
    assert audited.leaves == [leaf_hash(one) for one in log.leaves]
    assert not size or told[-1] == (size, size)


def test_every_changed_byte_of_every_file_is_found() -> None:
    log = SmallLog(7)
    for path, whole in list(log.files.items()):
        for at in range(len(whole)):
            log.files[path] = whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :]
            with pytest.raises(LogBroken):
                run(log)
        log.files[path] = whole
    run(log)


def every_change_is_found(log: SmallLog, path: str, places: Iterable[int]) -> None:
    """Each of these bytes, with another of its bits turned over each time."""
    whole = log.files[path]
    for at in places:
        log.files[path] = whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :]
        with pytest.raises(LogBroken):
            run(log)
    log.files[path] = whole
    run(log)


_OF_TWO_LEVELS = SmallLog(258)
_FULL_BUNDLE = Tile(None, 0).path
_EACH = len(_OF_TWO_LEVELS.files[_FULL_BUNDLE]) // 256


@pytest.mark.parametrize("path", sorted(_OF_TWO_LEVELS.files.keys() - {_FULL_BUNDLE}))
def test_every_changed_byte_of_every_tile_and_of_the_checkpoint_is_found(path: str) -> None:
    """Full and partial ones, of both levels, and the entries of the partial one."""
    every_change_is_found(_OF_TWO_LEVELS, path, range(len(_OF_TWO_LEVELS.files[path])))


@pytest.mark.parametrize("entry", [0, 1, 127, 255])
def test_every_changed_byte_of_an_entry_in_a_full_bundle_is_found(entry: int) -> None:
    """Its length too, which is in front of it. Every other entry's: the long test below."""
    every_change_is_found(_OF_TWO_LEVELS, _FULL_BUNDLE, range(entry * _EACH, (entry + 1) * _EACH))


@pytest.mark.long
@pytest.mark.timeout(1_200)
def test_every_changed_byte_of_a_whole_bundle_is_found() -> None:
    every_change_is_found(_OF_TWO_LEVELS, _FULL_BUNDLE, range(len(_OF_TWO_LEVELS.files[_FULL_BUNDLE])))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_changed_byte_of_a_log_of_many_tiles_is_found(data: st.DataObject) -> None:
    log = _LARGE
    path = data.draw(st.sampled_from(sorted(log.files)))
    whole = log.files[path]
    at, change = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(1, 255))
    log.files[path] = whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :]
    try:
        with pytest.raises(LogBroken):
            run(log)
    finally:
        log.files[path] = whole


_LARGE = SmallLog(520)


@pytest.mark.parametrize("path", sorted(SmallLog(300).files))
def test_a_file_that_is_missing_or_cut_short_is_found(path: str) -> None:
    log = SmallLog(300)
    whole = log.files.pop(path)
    with pytest.raises(LogBroken, match="missing"):
        run(log)
    for kept in (0, 1, len(whole) // 2, len(whole) - 1):
        log.files[path] = whole[:kept]
        with pytest.raises(LogBroken):
            run(log)


@pytest.mark.parametrize("index", [0, 3, 255, 256, 299])
def test_the_first_wrong_entry_is_named(index: int) -> None:
    log = SmallLog(300)
    for wrong in (index, 299):
        log.leaves[wrong] = leaf(10_000)
    for bundle in (Tile(None, 0), Tile(None, 1, 44)):
        log.files[bundle.path] = pack_bundle(log.leaves[bundle.number * 256 :][: bundle.width])
    with pytest.raises(LogBroken, match=f"^entry {index}: ") as found:
        run(log)
    assert found.value.entry == index


def test_a_log_that_was_rewritten_and_not_signed_anew_is_found() -> None:
    log, other = SmallLog(10), SmallLog(11)
    other.files[CHECKPOINT] = log.files[CHECKPOINT]
    with pytest.raises(LogBroken):
        audit(other.read, log.signer.key, check)


def test_a_checkpoint_of_another_log_or_without_its_witness_is_refused() -> None:
    log, other = SmallLog(3), SmallLog(3)
    with pytest.raises(LogBroken, match=r"not signed by log\.example/small"):
        audit(log.read, other.signer.key, check)
    with pytest.raises(LogBroken, match=r"not signed by witness\.example/w"):
        audit(log.read, log.signer.key, check, witnesses=[other.witness.key])


def test_a_partial_tile_of_an_earlier_checkpoint_must_be_the_beginning_of_the_later() -> None:
    log, earlier = SmallLog(9), SmallLog(5)
    for path in ("tile/0/000.p/5", "tile/entries/000.p/5"):
        log.files[path] = earlier.files[path]
        run(log)
        log.files[path] = b"x" + log.files[path][1:]
        with pytest.raises(LogBroken):
            run(log)
        del log.files[path]
    log.files["tile/0/000.p/12"] = b"not published yet"
    run(log)
    log.files["tile/notes.txt"] = b"who put this here?"
    with pytest.raises(LogBroken, match="is no file of a log"):
        run(log)
