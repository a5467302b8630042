"""Takes leaves back that the published log has and a restored, older database has not: the tree never forks.

Their events are replayed from the topics, and find their leaves again by their commitments.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from chassis.database import Database
from chassis.logs import get_logger
from chassis.sql import borrow
from contracts.log_audit import Missing
from contracts.log_leaf import BadLeaf, read_leaf
from contracts.log_tiles import WIDTH, BadBundle, TiledTree, tile_holding, unpack_bundle
from contracts.merkle import leaf_hash

from audit_log_service import leaves
from audit_log_service.growing import LogDisagrees, refuse_other_rows, trusted_tree
from audit_log_service.leaves import NewLeaf
from audit_log_service.log_folder import LogFolder
from audit_log_service.log_key import LogKey, is_signed

_COMPARED: Final = 16 * WIDTH
_log = get_logger()


async def recover_leaves(database: Database, folder: LogFolder, key: LogKey) -> None:
    """Bring the rows up to the published checkpoint. Safe to repeat.

    Raises:
        SafeError: rows, entries and checkpoint are not of one log; nothing was changed by what disagreed.
    """
    found = await asyncio.to_thread(folder.checkpoint, key.public, is_signed)
    if found is None:
        return
    published = found[0]
    async with borrow(database.pool) as connection:
        begun = size = await leaves.count(connection)
    if size >= published.size:
        return
    tree = await asyncio.to_thread(trusted_tree, folder, published)
    await _compare(database, tree, size)
    while size < published.size:
        missing = await asyncio.to_thread(_missing_of_bundle, folder, tree, size)
        async with database.transaction(keys=()) as tx:
            await leaves.let_nobody_else_append(tx.connection)
            await leaves.append(tx.connection, size, missing)
        size += len(missing)
    _log.warning("log.leaves_recovered", leaves=size - begun, size=size)


async def _compare(database: Database, tree: TiledTree, size: int) -> None:
    """Every row there is must be published as it is: a database of another log is not filled up from this one."""
    for start in range(0, size, _COMPARED):
        async with borrow(database.pool) as connection:
            rows = await leaves.between(connection, start, min(size, start + _COMPARED))
        await asyncio.to_thread(refuse_other_rows, tree, start, [leaf_hash(row.leaf) for row in rows])


def _missing_of_bundle(folder: LogFolder, tree: TiledTree, start: int) -> Sequence[NewLeaf]:
    """The leaves from `start` to the end of its bundle, each as the tree has it."""
    bundle = tile_holding(None, start, tree.size)
    first = bundle.number * WIDTH
    try:
        stored = unpack_bundle(folder.tile(bundle))[start - first : bundle.width]
        found = [NewLeaf(None, read_leaf(leaf).commitment, leaf) for leaf in stored]
    except (Missing, BadBundle, BadLeaf) as error:
        raise LogDisagrees(
            f"{bundle.path} in TILLIT_LOG_DIR can't be read: take the folder back from its copy"
        ) from error
    if [leaf_hash(leaf.leaf) for leaf in found] != [tree.leaf(index) for index in range(start, first + bundle.width)]:
        raise LogDisagrees(
            f"{bundle.path} in TILLIT_LOG_DIR is not what was published: take the folder back from its copy"
        )
    return found
