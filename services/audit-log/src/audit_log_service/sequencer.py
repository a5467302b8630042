"""Gives every entry its leaf, and publishes the tree: rows first, then tiles and entries, then the checkpoint.

A crash anywhere leaves rows and tree agreeing, because each step repeats from the one before it and writes the same
bytes again. Workers may do it at the same time: numbers are given under a lock, and a smaller checkpoint is never shown
after a larger one.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeVar

from chassis.clock import monotonic
from chassis.database import Database
from chassis.logs import SafeError, get_logger
from chassis.sql import borrow
from chassis.work import WorkItem
from contracts.log_leaf import commitment_bytes, leaves_alike
from contracts.log_tiles import TiledTree
from contracts.merkle import consistency_proof
from contracts.notes import Checkpoint, Note

from audit_log_service import entries, leaves, unsequenced_batches
from audit_log_service.entries import Alike
from audit_log_service.growing import LogDisagrees, empty, first_row_needed, grow
from audit_log_service.leaves import NewLeaf
from audit_log_service.log_folder import LogFolder
from audit_log_service.log_key import LogKey, is_signed
from audit_log_service.log_measures import LogMeasures
from audit_log_service.witness import Witness, WitnessRefuses

ROUND: Final = 4_096
"""Leaves of one transaction and of one checkpoint, at most."""
_TURN_SECONDS: Final = 10.0
"""How long one turn goes on, well within an errand's lease."""
_WITNESS_AGAIN_SECONDS: Final = 30.0
_log = get_logger()

Value = TypeVar("Value")


class Run(NamedTuple):
    """Leaves that follow one another, and where the first of them stands."""

    start: int
    leaves: Sequence[bytes]

    @property
    def end(self) -> int:
        return self.start + len(self.leaves)


_NONE: Final = Run(0, ())


class Sequencer:
    """The tree of one log. It takes its turn every second, on whichever worker has the errand."""

    def __init__(
        self,
        database: Callable[[], Database],
        folder: LogFolder,
        key: Callable[[], LogKey],
        measures: LogMeasures,
        witness: Witness | None = None,
    ) -> None:
        self._database = database
        self._folder = folder
        self._key = key
        self._measures = measures
        self._witness = witness
        self._witness_due = 0.0

    async def take_turn(self, _item: WorkItem | None = None) -> None:
        """Sequence and publish what waits, for as long as a turn lasts.

        Raises:
            SafeError: the log will not grow; the text says what disagrees, and the cure.
        """
        try:
            await self._take_turn()
        except SafeError:
            self._measures.refusing.set(1)
            raise
        self._measures.refusing.set(0)

    async def check(self) -> bool:
        """Whether key, folder, checkpoint and rows are of one log, as far as a glance tells; for readiness.

        Raises:
            SafeError: they are not; the text says what disagrees, and the cure.
        """
        await asyncio.to_thread(self._folder.require)
        found = await asyncio.to_thread(self._folder.checkpoint, self._key().public, is_signed)
        published = found[0] if found is not None else empty(self._key().public.name)
        async with borrow(self._database().pool) as connection:
            _refuse_fewer(published, await leaves.count(connection))
        return True

    async def _take_turn(self) -> None:
        key = self._key()
        self._folder.require()
        began, more, fresh = monotonic(), True, _NONE
        while monotonic() - began < _TURN_SECONDS:
            found = await asyncio.to_thread(self._folder.checkpoint, key.public, is_signed)
            published, note = found if found is not None else (empty(key.public.name), None)
            unpublished, size = await self._unpublished(published, fresh)
            # the disk and the database work at the same time: what is assigned now is published in the next round
            growing = (
                asyncio.to_thread(grow, self._folder, published, unpublished) if unpublished else _at_once(published)
            )
            assigning = self._assign() if more else _at_once((0, _NONE))
            grown, assigned = await asyncio.gather(growing, assigning, return_exceptions=True)
            if isinstance(grown, BaseException):
                raise grown
            if isinstance(assigned, BaseException):
                raise assigned
            taken, fresh = assigned
            # a round of few would cost as many files and syncs: who comes after these waits for the next turn
            more = taken >= ROUND // 2
            done = not more and not fresh.leaves and grown.size == size
            note = note if note is not None and not unpublished else key.sign(grown)
            await self._publish(grown, note, changed=bool(unpublished) or found is None, last=done)
            if done:
                break
        await self._measure()

    async def _unpublished(self, published: Checkpoint, fresh: Run) -> tuple[list[bytes], int]:
        """What the published tree grows by, with the leaves before that it needs; and how many leaves there are.

        `fresh` are leaves that this worker has just stored: they are not read again.
        """
        async with borrow(self._database().pool) as connection:
            size = await leaves.count(connection)
            _refuse_fewer(published, size)
            if size == published.size:
                return [], size
            start, upto = first_row_needed(published.size), min(size, published.size + ROUND)
            known = fresh.leaves if (fresh.start, fresh.end) == (published.size, upto) else ()
            stored = await leaves.between(connection, start, upto - len(known))
            return [*(row.leaf for row in stored), *known], size

    async def _assign(self) -> tuple[int, Run]:
        """Give the entries that waited longest their leaves: how many entries there were, and the leaves that are new."""
        async with self._database().transaction(keys=()) as tx:
            connection = tx.connection
            await leaves.let_nobody_else_append(connection)
            positions = await unsequenced_batches.take(connection, ROUND)
            if not positions:
                return 0, _NONE
            new = _leaves(await entries.to_commit_to(connection, positions))
            taken = len(new)
            if await leaves.without_entry(connection):
                known = await leaves.attach(connection, new)
                new = [leaf for leaf in new if leaf.position not in known]
            start = await leaves.count(connection)
            await leaves.append(connection, start, new)
            return taken, Run(start, [leaf.leaf for leaf in new])

    async def _publish(self, checkpoint: Checkpoint, note: Note, *, changed: bool, last: bool) -> None:
        """Show the checkpoint; the last one of a turn with the witness' signature, if the witness gives it."""
        witness = self._witness
        wanted = witness is not None and last and checkpoint.size > 0 and monotonic() >= self._witness_due
        if witness is not None and wanted and all(one.name != witness.key.name for one in note.signatures):
            cosigned = await self._cosigned(witness, checkpoint, note)
            changed, note = changed or cosigned is not None, cosigned or note
        if changed:
            await asyncio.to_thread(self._folder.publish, note)
        self._measures.size.set(checkpoint.size)

    async def _cosigned(self, witness: Witness, checkpoint: Checkpoint, note: Note) -> Note | None:
        tree = TiledTree(checkpoint.size, self._folder.tile)

        def proof(old: int) -> Sequence[bytes]:
            return consistency_proof(old, checkpoint.size, tree.part) if old > 0 else []

        try:
            signature = await witness.cosign(note, checkpoint, proof)
        except WitnessRefuses as error:
            self._witness_due = monotonic() + _WITNESS_AGAIN_SECONDS
            self._measures.witness.labels("refused").inc()
            _log.warning("log.not_cosigned", error=str(error))
            return None
        self._measures.witness.labels("signed").inc()
        self._measures.cosigned_size.set(checkpoint.size)
        return Note(note.text, (*note.signatures, signature))

    async def _measure(self) -> None:
        async with borrow(self._database().pool) as connection:
            self._measures.waiting.set(await unsequenced_batches.count(connection))
            self._measures.without_entry.set(await leaves.without_entry(connection))


def _refuse_fewer(published: Checkpoint, rows: int) -> None:
    if rows < published.size:
        raise LogDisagrees(
            f"{published.size} leaves are published and the database has {rows}: it was restored from an older backup."
            " Run the role migrate, which takes the missing leaves back from the entries in TILLIT_LOG_DIR"
        )


def _leaves(kinds: Sequence[Alike]) -> list[NewLeaf]:
    """The leaf of each entry, in the order of their positions."""
    made: list[NewLeaf] = []
    for type_, source, hour, positions, sent in kinds:
        commitments = [commitment_bytes(commitment) for commitment in sent]
        made.extend(map(NewLeaf, positions, commitments, leaves_alike(type_, source, hour, commitments)))
    made.sort()  # by position, of which no two are equal
    return made


async def _at_once(value: Value) -> Value:
    return value
