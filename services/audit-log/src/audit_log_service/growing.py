"""Makes the published tree grow by the leaves of the rows, or refuses: it never says two things of one place."""

from collections.abc import Sequence

from chassis.logs import SafeError
from contracts.log_audit import Missing
from contracts.log_tiles import WIDTH, Tile, TiledTree, grown, pack_bundle
from contracts.merkle import EMPTY_ROOT, leaf_hash
from contracts.notes import Checkpoint

from audit_log_service.log_folder import LogFolder


class LogDisagrees(SafeError):
    """Rows, tiles and the published checkpoint are not of one log. Nothing is published until somebody has looked."""


def first_row_needed(size: int) -> int:
    """Where leaves must begin to grow a tree of this size: with the last bundle that they are compared with."""
    return max(0, size - 1) // WIDTH * WIDTH


def grow(folder: LogFolder, published: Checkpoint, leaves: Sequence[bytes]) -> Checkpoint:
    """Write the tiles and entries of these leaves behind those of the published tree; the answer is its new root.

    The leaves begin at `first_row_needed` and have no gap.

    Raises:
        LogDisagrees: the tiles don't lead to the published root, or the rows are not those of the tiles.
    """
    tree = trusted_tree(folder, published)
    start = first_row_needed(published.size)
    hashes = [leaf_hash(leaf) for leaf in leaves]
    refuse_other_rows(tree, start, hashes[: published.size - start])
    new = hashes[published.size - start :]
    tiles = dict(grown(published.size, tree.edges(), new))
    first_bundle = published.size // WIDTH * WIDTH
    for at in range(first_bundle - start, len(leaves), WIDTH):
        part = leaves[at : at + WIDTH]
        tiles[Tile(None, (start + at) // WIDTH, len(part))] = pack_bundle(part)
    folder.write(tiles)
    size = published.size + len(new)
    return Checkpoint(published.origin, size, TiledTree(size, folder.tile).root())


def empty(origin: str) -> Checkpoint:
    """What every log begins with."""
    return Checkpoint(origin, 0, EMPTY_ROOT)


def trusted_tree(folder: LogFolder, published: Checkpoint) -> TiledTree:
    """The published tree, once its tiles lead to its root.

    Raises:
        LogDisagrees: they don't.
    """
    tree = TiledTree(published.size, folder.tile)
    try:
        root = tree.root()
    except Missing as missing:
        root = b""
        cause = f"{missing} is missing"
    else:
        cause = "they lead to another root"
    if root != published.root:
        raise LogDisagrees(
            f"the tiles in TILLIT_LOG_DIR are not those of the published checkpoint ({cause}):"
            " `tillit log verify` names the first wrong entry; take the folder back from its copy"
        )
    return tree


def refuse_other_rows(tree: TiledTree, start: int, hashes: Sequence[bytes]) -> None:
    """Rows from `start` on must be what is published there.

    Raises:
        LogDisagrees: one is not.
    """
    for index, row in enumerate(hashes, start):
        if tree.leaf(index) != row:
            raise LogDisagrees(
                f"leaf {index} of the database is not the published one: this database belongs to another log,"
                " or was changed; restore it from a backup of this log"
            )
