"""How the log's tree and entries lie in files: C2SP tlog-tiles, https://c2sp.org/tlog-tiles.

A tile holds up to 256 hashes of one level; a bundle the entries of a tile of level 0.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from contracts.merkle import HASH_BYTES, Leaves, Subtree, fold, root_of, subtrees

WIDTH: Final = 256
HEIGHT: Final = 8
CHECKPOINT: Final = "checkpoint"
MAX_ENTRY_BYTES: Final = 65_535
_NAME: Final = re.compile(
    r"tile/(?P<level>entries|[0-9]|[1-5][0-9]|6[0-3])/(?P<number>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class BadBundle(ValueError):
    """The bytes are not the entries that they should be."""


class Tile(NamedTuple):
    """One file: hashes of a level, or of `level` None the entries themselves; partial when `width` is below 256."""

    level: int | None
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it stands below the log's prefix: `tile/0/x001/234`, `tile/entries/000.p/7`."""
        groups = [f"{self.number % 1000:03}"]
        rest = self.number // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03}")
            rest //= 1000
        level = "entries" if self.level is None else str(self.level)
        return f"tile/{level}/{'/'.join(groups)}" + (f".p/{self.width}" if self.width < WIDTH else "")

    @property
    def full(self) -> "Tile":
        return Tile(self.level, self.number)

    @property
    def end(self) -> int:
        """How many hashes of its level there must be for it to exist."""
        return self.number * WIDTH + self.width


def read_path(path: str) -> Tile | None:
    """The tile that this path names; None when it names none, or not in the one way there is."""
    match = _NAME.fullmatch(path)
    if match is None:
        return None
    level = None if match["level"] == "entries" else int(match["level"])
    number = int(match["number"].replace("x", "").replace("/", ""))
    tile = Tile(level, number, int(match["width"]) if match["width"] else WIDTH)
    return tile if tile.path == path else None


def hashes_at(level: int | None, size: int) -> int:
    """How many hashes of a level the tiles of a tree of this size hold."""
    return size >> (HEIGHT * (level or 0))


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile and bundle of a tree of this size, bundles first, then level by level."""
    yield from _of_level(None, 0, size)
    level = 0
    while hashes_at(level, size):
        yield from _of_level(level, 0, hashes_at(level, size))
        level += 1


def tile_holding(level: int | None, index: int, size: int) -> Tile:
    """The tile with this hash, as it is in a tree of this size."""
    number = index // WIDTH
    return Tile(level, number, min(WIDTH, hashes_at(level, size) - number * WIDTH))


def grown(size: int, edges: Sequence[Sequence[bytes]], leaves: Sequence[bytes]) -> Iterator[tuple[Tile, bytes]]:
    """The tiles that change when leaves with these hashes follow a tree of this size, with their new content.

    `edges` are the hashes of the last tile of each level that is not full, lowest first.
    """
    level, start, new = 0, size, list(leaves)
    while new:
        kept = list(edges[level]) if level < len(edges) else []
        first = start - len(kept)
        hashes, above = kept + new, list[bytes]()
        for at in range(0, len(hashes), WIDTH):
            part = hashes[at : at + WIDTH]
            yield Tile(level, (first + at) // WIDTH, len(part)), b"".join(part)
            if len(part) == WIDTH:
                above.append(root_of(part))
        level, start, new = level + 1, first // WIDTH, above


def pack_bundle(entries: Sequence[bytes]) -> bytes:
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unpack_bundle(data: bytes) -> list[bytes]:
    """The entries.

    Raises:
        BadBundle: they do not end where the bytes do.
    """
    found: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data) or at + 2 > len(data):
            raise BadBundle("the bundle ends within an entry")
        found.append(data[at + 2 : end])
        at = end
    return found


def split_hashes(data: bytes) -> list[bytes]:
    """The hashes of a tile; a remainder stays as a last one that no hash equals."""
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


class TiledTree:
    """The tree of one size, read from tiles: a few for any proof, each read once.

    What reads a partial tile may answer a wider one, which begins with the same hashes.
    """

    def __init__(self, size: int, read: Callable[[Tile], bytes]) -> None:
        self.size = size
        self._read = read
        self._tiles: dict[Tile, list[bytes]] = {}
        """At most two for each level and part of one proof; the tree lives as long as that."""

    def root(self) -> bytes:
        return self.part(Leaves(0, self.size)) if self.size else root_of([])

    def part(self, leaves: Leaves) -> bytes:
        """The hash of a part, as proofs need it."""
        return fold([self._subtree(subtree) for subtree in subtrees(leaves)])

    def leaf(self, index: int) -> bytes:
        return self._subtree(Subtree(0, index))

    def edges(self) -> list[list[bytes]]:
        """The hashes of the last tile of each level that is not full, lowest first."""
        found: list[list[bytes]] = []
        level = 0
        while hashes_at(level, self.size):
            width = hashes_at(level, self.size) % WIDTH
            found.append(self._hashes(Tile(level, hashes_at(level, self.size) // WIDTH, width)) if width else [])
            level += 1
        return found

    def _subtree(self, subtree: Subtree) -> bytes:
        level, height = divmod(subtree.height, HEIGHT)
        start = subtree.number << height
        hashes = self._hashes(tile_holding(level, start, self.size))
        return root_of(hashes[start % WIDTH : start % WIDTH + (1 << height)])

    def _hashes(self, tile: Tile) -> list[bytes]:
        if tile not in self._tiles:
            self._tiles[tile] = split_hashes(self._read(tile))[: tile.width]
        return self._tiles[tile]


def _of_level(level: int | None, start: int, end: int) -> Iterator[Tile]:
    for number in range(start // WIDTH, -(-end // WIDTH)):
        yield Tile(level, number, min(WIDTH, end - number * WIDTH))
