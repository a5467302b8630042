from pathlib import Path

import pytest
from tillit_cli.proof.byte_search import CHUNK, Place, Searcher, chunks_of, files_of
from tillit_cli.proof.needles import Needle

NEEDLE = Needle("a word", "UTF-8", b"Unmistakable")
PAGE = 8192


def search(root: Path, *needles: Needle) -> set[str]:
    found = Searcher(needles or (NEEDLE,)).search_place(Place("here", root))
    return {hit.where for hit in found.hits}


def test_a_needle_is_found_wherever_it_lies_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "file").write_bytes(b"\0" * 100 + NEEDLE.content + b"\xff" * 100)
    (tmp_path / "other").write_bytes(b"nothing of it, but Unmistakabl")
    assert search(tmp_path) == {"deep/er/file"}


@pytest.mark.parametrize("shift", range(-len(NEEDLE.content) - 1, 2))
def test_a_needle_over_the_border_of_two_chunks_is_found(tmp_path: Path, shift: int) -> None:
    (tmp_path / "file").write_bytes(b"x" * (CHUNK + shift) + NEEDLE.content + b"x")
    assert search(tmp_path) == {"file"}


@pytest.mark.parametrize("shift", [-3, -12, 0])
def test_a_needle_after_long_zeros_is_found(tmp_path: Path, shift: int) -> None:
    (tmp_path / "file").write_bytes(b"\0" * (2 * CHUNK + shift) + NEEDLE.content)
    assert search(tmp_path) == {"file"}


def test_the_holes_of_a_file_are_not_read_and_what_follows_them_is(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(500 * 1024 * 1024)
        file.seek(400 * 1024 * 1024)
        file.write(NEEDLE.content)
    found = Searcher([NEEDLE]).search_place(Place("here", tmp_path))
    assert {hit.where for hit in found.hits} == {"sparse"}
    assert found.size < CHUNK


def test_a_needle_cut_by_a_page_header_of_the_write_ahead_log_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "pg_wal"
    folder.mkdir()
    first = (b"H" * 40).ljust(PAGE - 5, b"x") + NEEDLE.content[:5]
    second = (b"h" * 24 + NEEDLE.content[5:]).ljust(PAGE, b"x")
    (folder / "00000001000000000000000A").write_bytes(first + second)
    assert search(tmp_path) == {"pg_wal/00000001000000000000000A"}


def test_what_is_left_out_is_not_searched_and_a_link_is_not_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (inside / "mail").mkdir(parents=True)
    outside.write_bytes(NEEDLE.content)
    (inside / "mail" / "file").write_bytes(NEEDLE.content)
    (inside / "link").symlink_to(outside)
    place = Place("here", inside, frozenset({inside / "mail"}))
    assert list(files_of(place)) == []


def test_a_place_that_is_no_folder_is_an_error_and_never_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(NEEDLE.content)
    with pytest.raises(NotADirectoryError):
        list(files_of(Place("here", path)))


def test_every_needle_of_a_file_is_told_and_not_only_the_first(tmp_path: Path) -> None:
    other = Needle("another word", "UTF-8", b"Inimitable")
    (tmp_path / "file").write_bytes(NEEDLE.content + b"x" * CHUNK + other.content)
    found, size = Searcher([NEEDLE, other]).found_in(chunks_of(tmp_path / "file"))
    assert found == {NEEDLE, other}
    assert size == (tmp_path / "file").stat().st_size
