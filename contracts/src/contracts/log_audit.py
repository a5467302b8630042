"""Recomputes a whole log from what it publishes, and names the first entry that is not what the checkpoint says.

It reads files by their path, from wherever the caller has them, and needs neither a database nor the log itself.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from contracts.log_leaf import BadLeaf, read_leaf
from contracts.log_tiles import CHECKPOINT, WIDTH, BadBundle, Tile, hashes_at, read_path, split_hashes, unpack_bundle
from contracts.merkle import leaf_hash, root_of
from contracts.notes import BadNote, Checkpoint, Note, NoteKey, SignatureCheck, open_checkpoint

Read = Callable[[str], bytes]
"""The file at a path below the log's prefix; raises Missing when there is none."""
Progress = Callable[[int, int], None]
"""Told how many entries of how many are done."""


class Missing(LookupError):
    """The log does not have a file that its checkpoint promises."""


class LogBroken(Exception):
    """The log is not what it says it is. `entry` is the index of the first wrong entry, where one is."""

    def __init__(self, text: str, entry: int | None = None) -> None:
        super().__init__(text if entry is None else f"entry {entry}: {text}")
        self.entry = entry


class Audited(NamedTuple):
    """A log that is what its checkpoint says: that, who signed it, and the hash of every leaf."""

    checkpoint: Checkpoint
    note: Note
    leaves: Sequence[bytes]


def audit(
    read: Read,
    key: NoteKey,
    check: SignatureCheck,
    *,
    witnesses: Sequence[NoteKey] = (),
    progress: Progress | None = None,
) -> Audited:
    """Check the signatures, every entry, every tile and the root.

    Raises:
        LogBroken: something is not as it must be.
    """
    try:
        checkpoint, note = open_checkpoint(_get(read, CHECKPOINT), key, check, witnesses)
    except BadNote as error:
        raise LogBroken(f"checkpoint: {error}") from None
    leaves: list[bytes] = []
    above: list[bytes] = []
    suspect: int | None = None
    while len(leaves) < checkpoint.size:
        index = len(leaves) // WIDTH
        width = min(WIDTH, checkpoint.size - index * WIDTH)
        entries = _entries(read, Tile(None, index, width))
        hashes = [leaf_hash(entry) for entry in entries]
        wrong = _first_difference(hashes, split_hashes(_get_tile(read, Tile(0, index, width))))
        if wrong is not None:
            raise LogBroken("it does not hash to its place in the tree", index * WIDTH + wrong)
        for at, entry in enumerate(entries):
            if suspect is None and not _is_leaf(entry):
                suspect = index * WIDTH + at
        leaves += hashes
        above.append(root_of(hashes))
        if progress is not None:
            progress(len(leaves), checkpoint.size)
    _check_upper_tiles(read, checkpoint.size, above)
    if root_of(above) != checkpoint.root:
        raise LogBroken("the entries lead to another root than the signed one")
    if suspect is not None:
        raise LogBroken("it is no leaf of this kind of log", suspect)
    return Audited(checkpoint, note, leaves)


def audit_others(read: Read, paths: Iterable[str], audited: Audited) -> None:
    """Check what else lies in a log's folder: the partial tiles of earlier checkpoints, which the last one needs no more.

    What is beyond the checkpoint is not published yet, and is left alone.

    Raises:
        LogBroken: one is not the beginning of what is there now, or is no file of a log.
    """
    size, levels = audited.checkpoint.size, [list(audited.leaves)]
    while hashes_at(len(levels), size):
        below = levels[-1]
        levels.append([root_of(below[at : at + WIDTH]) for at in range(0, len(below) // WIDTH * WIDTH, WIDTH)])
    for path in paths:
        tile = read_path(path)
        if tile is None:
            if path == CHECKPOINT:
                continue
            raise LogBroken(f"{path} is no file of a log")
        level = tile.level or 0
        if tile.end > hashes_at(level, size):
            continue
        hashes = levels[level][tile.number * WIDTH : tile.end]
        try:
            data = read(path)
        except Missing:  # a log that grows drops partial tiles
            continue
        found = split_hashes(data) if tile.level is not None else [leaf_hash(entry) for entry in _parsed(path, data)]
        wrong = _first_difference(hashes, found)
        if wrong is not None:
            raise LogBroken(f"{path} is not what it was", (tile.number * WIDTH + wrong) * WIDTH**level)


def _parsed(path: str, data: bytes) -> list[bytes]:
    try:
        return unpack_bundle(data)
    except BadBundle as error:
        raise LogBroken(f"{path}: {error}") from None


def _check_upper_tiles(read: Read, size: int, roots: Sequence[bytes]) -> None:
    level, below = 1, list(roots)
    while count := hashes_at(level, size):
        hashes = below[:count]
        for index in range(-(-count // WIDTH)):
            part = hashes[index * WIDTH : (index + 1) * WIDTH]
            tile = Tile(level, index, len(part))
            wrong = _first_difference(part, split_hashes(_get_tile(read, tile)))
            if wrong is not None:
                first = (index * WIDTH + wrong) * WIDTH**level
                raise LogBroken(f"{tile.path} has another hash for the entries from here on", first)
        below = [root_of(hashes[at : at + WIDTH]) for at in range(0, count, WIDTH)]
        level += 1


def _entries(read: Read, bundle: Tile) -> list[bytes]:
    first = bundle.number * WIDTH
    try:
        entries = unpack_bundle(_get_tile(read, bundle))
    except BadBundle as error:
        raise LogBroken(f"{bundle.path}: {error}", first) from None
    if len(entries) != bundle.width:
        raise LogBroken(f"{bundle.path} holds {len(entries)} entries and not {bundle.width}", first)
    return entries


def _is_leaf(entry: bytes) -> bool:
    try:
        read_leaf(entry)
    except BadLeaf:
        return False
    return True


def _first_difference(ours: Sequence[bytes], theirs: Sequence[bytes]) -> int | None:
    if ours == theirs:
        return None
    pairs = zip(ours, theirs, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(ours), len(theirs)))


def _get_tile(read: Read, tile: Tile) -> bytes:
    """A partial tile may be gone once its full one is there: the same bytes begin that."""
    try:
        return read(tile.path)
    except Missing:
        if tile.width == WIDTH:
            raise LogBroken(f"{tile.path} is missing") from None
    data = _get(read, tile.full.path)
    try:
        return data[: tile.width * 32] if tile.level is not None else _beginning(data, tile.width)
    except BadBundle as error:
        raise LogBroken(f"{tile.full.path}: {error}") from None


def _beginning(bundle: bytes, entries: int) -> bytes:
    kept = unpack_bundle(bundle)[:entries]
    return bundle[: sum(len(entry) + 2 for entry in kept)]


def _get(read: Read, path: str) -> bytes:
    try:
        return read(path)
    except Missing:
        raise LogBroken(f"{path} is missing") from None
