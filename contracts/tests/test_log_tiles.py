"""Tiles lie where C2SP tlog-tiles says, hold what it says, and any tree and proof can be read from them."""

import pytest
from contracts.log_tiles import (
    BadBundle,
    Tile,
    TiledTree,
    grown,
    pack_bundle,
    read_path,
    tiles_of,
    unpack_bundle,
)
from contracts.merkle import consistency_proof, inclusion_proof, leaf_hash, root_of
from hypothesis import given, settings
from hypothesis import strategies as st

LEAVES = [leaf_hash(str(n).encode()) for n in range(70_000)]


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(2, 999, 17), "tile/2/999.p/17"),
        (Tile(None, 1000), "tile/entries/x001/000"),
        (Tile(63, 5, 255), "tile/63/005.p/255"),
    ],
)
def test_a_tile_has_one_path_that_names_it(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert read_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        *("tile/0/0", "tile/00/000", "tile/64/000", "tile/0/1000", "tile/0/x000/001", "tile/0/001/001", "tile/-1/000"),
        *("tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/entries/../../key"),
        *("tile/0/../checkpoint", "tile/0/000\n", "/tile/0/000", "tile/0/x001/x234/67", "tile/0/٠٠٠"),
    ],
)
def test_a_path_of_any_other_form_names_nothing(path: str) -> None:
    assert read_path(path) is None


def test_a_tree_of_seventy_thousand_has_the_tiles_of_the_specifications_example() -> None:
    tiles = [tile for tile in tiles_of(70_000) if tile.level is not None]
    assert sum(tile.level == 0 and tile.width == 256 for tile in tiles) == 273
    assert [tile for tile in tiles if tile.width < 256] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert [tile for tile in tiles_of(256) if tile.level is not None] == [Tile(0, 0), Tile(1, 0, 1)]


def tiles_after(sizes: list[int]) -> dict[Tile, bytes]:
    """The files of a log that grew through these sizes, each step knowing only the files before it."""
    files: dict[Tile, bytes] = {}
    size = 0
    for to in sizes:
        edges = TiledTree(size, files.__getitem__).edges()
        files.update(grown(size, edges, LEAVES[size:to]))
        size = to
    return files


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 1500), min_size=1, max_size=6))
def test_however_a_log_grows_its_last_tiles_are_the_same(steps: list[int]) -> None:
    sizes = [sum(steps[: n + 1]) for n in range(len(steps))]
    at_once, by_steps = tiles_after([sizes[-1]]), tiles_after(sizes)
    for tile in tiles_of(sizes[-1]):
        if tile.level is not None:
            assert by_steps[tile] == at_once[tile]


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 513, 65_535, 65_536, 65_537, 70_000])
def test_root_and_proofs_are_read_from_few_tiles(size: int) -> None:
    files = tiles_after([size // 3, size])
    expected = {tile for tile in tiles_of(size) if tile.level is not None}
    read: list[Tile] = []

    def reading(tile: Tile) -> bytes:
        assert tile in expected
        read.append(tile)
        return files[tile]

    assert TiledTree(size, reading).root() == root_of(LEAVES[:size])
    for index in {0, size // 2, size - 1}:
        tree = TiledTree(size, reading)
        read.clear()
        proof = inclusion_proof(index, size, tree.part)
        assert proof == inclusion_proof(index, size, lambda part: root_of(LEAVES[part.start : part.end]))
        assert len(read) <= 6
        if index:
            proof = consistency_proof(index, size, tree.part)
            assert proof == consistency_proof(index, size, lambda part: root_of(LEAVES[part.start : part.end]))


def test_a_partial_tile_that_is_gone_is_read_from_the_full_one() -> None:
    before, after = tiles_after([250]), tiles_after([250, 450])
    tree = TiledTree(250, lambda tile: after[tile.full])
    assert tree.edges() == TiledTree(250, before.__getitem__).edges()
    assert tree.root() == root_of(LEAVES[:250])


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_gives_back_what_it_was_made_of(entries: list[bytes]) -> None:
    assert unpack_bundle(pack_bundle(entries)) == entries


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x02a", b"\x00\x01a\xff"])
def test_a_bundle_that_is_cut_short_is_refused(data: bytes) -> None:
    with pytest.raises(BadBundle):
        unpack_bundle(data)
