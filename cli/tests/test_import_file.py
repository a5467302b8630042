"""A file is read whole or refused with its place, and nothing of what it holds is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tillit_cli.import_fields import is_orgnr, normalised
from tillit_cli.import_file import MAX_DEPTH, Rejected, TwiceNamed, document_in, document_of, structural_fault


def test_a_file_that_is_not_there_is_one_rejection_without_an_index(tmp_path: Path) -> None:
    assert document_in(tmp_path / "none.json") == Rejected(None, "the file can't be read: No such file or directory")


def test_a_file_beyond_the_bound_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_text("[" + "1," * 100 + "1]")
    assert document_in(path, max_bytes=50) == Rejected(None, "the file is larger than 50 bytes: split it")
    assert document_in(path, max_bytes=path.stat().st_size) == [1] * 101


def test_malformed_json_is_told_by_line_and_column() -> None:
    refused = document_of(b'[\n  {"navn": "Kari",}\n]')
    assert isinstance(refused, Rejected)
    assert refused.index is None
    assert refused.reason.startswith("line 2, column ")
    assert "Kari" not in refused.reason


def test_a_byte_order_mark_is_accepted() -> None:
    assert document_of('\ufeff["blåbær"]'.encode()) == ["blåbær"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "latin-1"])
def test_another_encoding_is_refused_with_the_cure(encoding: str) -> None:
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    refused = document_of(mark + '["blåbær"]'.encode(encoding))
    assert isinstance(refused, Rejected)
    assert refused.reason.endswith("UTF-8")


def test_bytes_that_are_not_utf_8_are_told_by_their_line() -> None:
    assert document_of(b'[\n"bl\xe5b\xe6r"]') == Rejected(None, "line 2: byte 5 is not UTF-8: save the file as UTF-8")


@pytest.mark.parametrize("constant", [b"NaN", b"[-Infinity]", b'{"a": Infinity}'])
def test_numbers_that_json_does_not_have_are_refused(constant: bytes) -> None:
    assert document_of(constant) == Rejected(None, "not JSON: NaN and Infinity are no numbers in JSON")


def test_numbers_beyond_measure_neither_stall_nor_become_infinite() -> None:
    assert document_of(b"[" + b"9" * 100_000 + b", 1e999, -1e999]") == [1.7e308, 1.7e308, -1.7e308]


def test_nesting_without_end_is_refused() -> None:
    assert document_of(b"[" * 200_000) == Rejected(None, "the file nests too deeply")


def test_nesting_beyond_need_is_a_fault_of_its_item() -> None:
    document = document_of(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))
    assert not isinstance(document, Rejected)
    assert structural_fault(document) == f"nests deeper than {MAX_DEPTH} levels"


def test_a_field_named_twice_is_noticed_at_any_depth() -> None:
    document = document_of(b'[{"a": {"b": [{"c": 1, "c": 2}]}}, {"a": 1}]')
    assert isinstance(document, list)
    assert structural_fault(document[0]) == "an object names the same field twice"
    assert structural_fault(document[1]) is None
    assert structural_fault(TwiceNamed()) is not None


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail(content: bytes) -> None:
    document_of(content)


def test_labels_match_whatever_their_case_spacing_and_composition() -> None:
    assert normalised("  SYKEPLEIER ") == normalised("sykepleier")
    assert normalised("Barne-  og\u00a0ungdomsarbeider") == "barne- og ungdomsarbeider"
    assert normalised("Tromsø") == normalised("TROMSØ")
    assert normalised("Ålesund") == normalised("A\u030alesund")
    assert normalised("Kokk") != normalised("Kokker")


@given(st.text())
def test_a_normalised_label_stays_as_it_is(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


def test_an_organisation_number_has_nine_digits_and_a_right_check_digit() -> None:
    assert is_orgnr("310000094")
    assert not is_orgnr("310000095")
    assert not is_orgnr("31000009")
    assert not is_orgnr("31000009x")
    assert not is_orgnr("٣١٠٠٠٠٠٩٤")
