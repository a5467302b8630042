"""The ledger of destroyed keys: what was written stands, what was left unfinished is cut off, what is damaged is said."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from chassis.keys import KeyName
from contracts.personal import SubjectId
from hypothesis import given
from hypothesis import strategies as st
from retention_service.destroyed_ledger import FILE, PART, BadLedger, Destroyed, DestroyedLedger

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def names(count: int) -> list[Destroyed]:
    return [Destroyed(KeyName(SubjectId(uuid4()), "user_information"), AT) for _ in range(count)]


def test_what_was_written_is_read_in_order_part_by_part(tmp_path: Path) -> None:
    ledger, all_names = DestroyedLedger(tmp_path), names(PART + 5)
    assert ledger.read(0).destroyed == []
    end = ledger.append(all_names)
    first = ledger.read(0)
    rest = DestroyedLedger(tmp_path).read(first.after)
    assert [*first.destroyed, *rest.destroyed] == all_names
    assert (len(first.destroyed), rest.after, ledger.end()) == (PART, end, end)
    assert ledger.read(end).destroyed == []
    assert DestroyedLedger(tmp_path).identity() == ledger.identity()


def test_nothing_is_read_beyond_the_place_that_is_asked_for(tmp_path: Path) -> None:
    ledger = DestroyedLedger(tmp_path)
    middle = ledger.append(names(2))
    ledger.append(names(2))
    assert (len(ledger.read(0, middle).destroyed), ledger.read(0, middle).after) == (2, middle)
    assert ledger.read(0, middle - 1).after < middle


@given(st.integers(1, 88))
def test_a_line_that_a_killed_process_left_unfinished_is_cut_off_and_the_next_is_whole(cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger, (first, torn, last) = DestroyedLedger(Path(folder)), names(3)
        whole = ledger.append([first])
        ledger.append([torn])
        with (Path(folder) / FILE).open("r+b") as file:
            file.truncate(whole + cut)
        assert ledger.end() == whole
        assert ledger.read(0).destroyed == [first]
        ledger.append([last])
        assert ledger.read(0).destroyed == [first, last]


def test_a_damaged_line_and_a_damaged_head_are_said_and_never_skipped(tmp_path: Path) -> None:
    ledger = DestroyedLedger(tmp_path)
    ledger.append(names(3))
    content = bytearray((tmp_path / FILE).read_bytes())
    content[120] ^= 1
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(BadLedger, match="is damaged at byte"):
        ledger.read(0)
    content[3] ^= 1
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(BadLedger, match="has no head"):
        ledger.end()
    with pytest.raises(BadLedger, match="can't be opened"):
        DestroyedLedger(tmp_path / "lost").identity()


def test_a_name_is_found_in_the_ledger_only_when_it_stands_there_whole(tmp_path: Path) -> None:
    ledger = DestroyedLedger(tmp_path)
    names = [KeyName(SubjectId(uuid4()), "user_information") for _ in range(2_500)]
    ledger.append([Destroyed(name, AT) for name in names])
    assert ledger.holds([names[0], names[1_200], names[-1]])
    assert ledger.holds([])
    assert not ledger.holds([names[0], KeyName(SubjectId(uuid4()), "user_information")])
    assert not ledger.holds([KeyName(names[0].subject_id, "user")])
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-1])  # killed while it wrote
    assert not ledger.holds([names[-1]])


def test_a_damaged_line_is_no_proof_that_a_key_was_destroyed(tmp_path: Path) -> None:
    ledger, name = DestroyedLedger(tmp_path), KeyName(SubjectId(uuid4()), "communication")
    ledger.append([Destroyed(name, AT)])
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes().replace(b"2026", b"2027"))
    with pytest.raises(BadLedger, match="damaged"):
        ledger.holds([name])
