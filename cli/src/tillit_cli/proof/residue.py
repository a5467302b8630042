"""The proof that nothing readable of an erased person remains, and the controls that show it could have failed."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from chassis.keys import NO_SUBJECT, KeyName
from contracts.personal import Category
from local_stack.stack import StackInfo

from tillit_cli.proof.byte_search import Place, Searched, Searcher
from tillit_cli.proof.controls import checkpoint, planted
from tillit_cli.proof.kafka_records import every_record
from tillit_cli.proof.keyring import remaining_keys
from tillit_cli.proof.needles import Needle
from tillit_cli.proof.sealed_blobs import BlobFinder, FoundBlob, Tried, open_with_own_keys, try_every_key
from tillit_cli.proof.stored_rows import StoredRows
from tillit_cli.proof.unique_person import make_person

KAFKA: Final = "Kafka"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold. `seen` says in words what was found."""

    what: str
    holds: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Before:
    """The person's sealed blobs while they lived, copied: what somebody could have kept."""

    blobs: Sequence[FoundBlob]
    keys: int
    checks: Sequence[Check]

    def by_holder(self) -> Mapping[str, int]:
        return Counter(blob.where.partition(".")[0].partition("/")[0] for blob in self.blobs)


@dataclass(frozen=True, slots=True)
class After:
    """What the search and the keys found once the person was erased."""

    searched: Mapping[str, Searched]
    needles: int
    remaining: Sequence[FoundBlob]
    keys: int
    tried: Tried
    checks: Sequence[Check]


class ResidueProof:
    """Looks for one person in everything that a local stack stores, but for the mails that it delivered."""

    def __init__(self, info: StackInfo, subject_id: UUID, needles: Sequence[Needle]) -> None:
        """`needles` are every form of what tells who the person is."""
        self._info = info
        self._subject_id = subject_id
        self._needles = needles
        self._stored = StoredRows(info.admin_database)

    async def before_erasure(self) -> Before:
        """Every sealed blob of the person opens with their keys."""
        blobs = await self.blobs_of(self._subject_id)
        keys = await remaining_keys(self._stored, self._info.kek)
        closed = open_with_own_keys(blobs, keys)
        where = ", ".join(sorted({blob.where for blob in closed}))
        places = {blob.where.partition(".")[0].partition("/")[0] for blob in blobs}
        expected = {"profile", "notifications", "audit_log", KAFKA}
        own = sum(1 for name in keys if name.subject_id == self._subject_id)
        return Before(
            blobs,
            own,
            [
                Check(
                    "before: every sealed blob of the person opens",
                    bool(blobs) and not closed,
                    f"{len(blobs) - len(closed)} of {len(blobs)} open" + (f"; not in {where}" if where else ""),
                ),
                Check(
                    "before: blobs were found in every holder and in Kafka",
                    expected <= places,
                    ", ".join(sorted(places)) or "nowhere",
                ),
            ],
        )

    async def after_erasure(self, before: Before) -> After:
        """The search finds nothing of the person and all that was planted; no key opens any blob of theirs."""
        decoy = make_person().needles("planted")
        needles = self._needles
        async with planted(self._info, self._stored, decoy) as control:
            await checkpoint(self._stored)
            searched = await self._search_everything([*needles, *decoy])
        hits = {hit for part in searched.values() for hit in part.hits}
        theirs = sorted(
            {f"{hit.needle.of} ({hit.needle.form}) in {hit.where}" for hit in hits if hit.needle in needles}
        )
        checks = [
            Check(
                "after: the search finds nothing of the person",
                not theirs,
                "; ".join(theirs[:5]) or f"0 of {len(needles)} forms anywhere",
            )
        ]
        for what, missed in control.missed(hits).items():
            seen = f"{len(decoy) - len(missed)} of {len(decoy)} planted forms found"
            checks.append(Check(f"control: the same search sees the {what}", not missed, seen))
        remaining = await self.blobs_of(self._subject_id)
        keys = await remaining_keys(self._stored, self._info.kek)
        tried = await asyncio.to_thread(try_every_key, [*remaining, *before.blobs], keys)
        return After(
            searched,
            len(needles),
            remaining,
            len(keys),
            tried,
            [*checks, *self._key_checks(keys, tried, remaining, before), await self._control_of_trying(keys)],
        )

    async def blobs_of(self, subject_id: UUID) -> list[FoundBlob]:
        """Every sealed blob that names a person, in every table and every Kafka record."""
        finder, found = BlobFinder(subject_id), list[FoundBlob]()
        async for where, value in self._stored.values():
            found += [FoundBlob(where, blob) for blob in finder.blobs_in(value)]
        async for record in every_record(self._info.kafka_bootstrap):
            for part in record.parts():
                found += [FoundBlob(f"{KAFKA}.{record.topic}", blob) for blob in finder.blobs_in(part)]
        return found

    def places(self) -> list[Place]:
        """Everything that the stack wrote, but downloads and the mails that it delivered to the outside world."""
        info = self._info
        elsewhere = {info.postgres_data, info.kafka_data, info.logs, info.mails, info.state / "downloads"}
        return [
            Place("PostgreSQL", info.postgres_data),
            Place(KAFKA, info.kafka_data),
            Place("logs", info.logs),
            Place("rest of the state", info.state, frozenset(elsewhere)),
        ]

    async def _search_everything(self, needles: Sequence[Needle]) -> dict[str, Searched]:
        searcher = Searcher(needles)
        found = {place.name: await asyncio.to_thread(searcher.search_place, place) for place in self.places()}
        found["rows"] = await self._stored.search(searcher)
        return found

    def _key_checks(
        self, keys: Mapping[KeyName, bytes], tried: Tried, remaining: Sequence[FoundBlob], before: Before
    ) -> list[Check]:
        kept = [name.category for name in keys if name.subject_id == self._subject_id]
        erased = {Category.USER_INFORMATION, Category.COMMUNICATION, Category.WEBSITE_USAGE}
        # the request for the last mail names nobody, and is part of the case: sealed, and kept as long as its topic
        theirs = [blob for blob in tried.opened if blob.header.category != Category.RIGHTS_CASE]
        case = len(tried.opened) - len(theirs)
        opened = ", ".join(sorted({blob.where for blob in theirs}))
        seen = (
            f"{tried.pairs} pairs tried ({len(keys)} keys, {len(remaining)} blobs that remain and {len(before.blobs)}"
        )
        return [
            Check(
                "after: the person's keys are destroyed", not erased & set(kept), f"left: {', '.join(kept) or 'none'}"
            ),
            Check(
                "after: no remaining key opens any blob of the person, but of the case itself",
                bool(tried.pairs) and not theirs,
                f"{seen} copied before): {len(theirs)} opened{f' in {opened}' if opened else ''}; {case} of the case",
            ),
        ]

    async def _control_of_trying(self, keys: Mapping[KeyName, bytes]) -> Check:
        what = "control: the same trying opens another person's blobs"
        living = [name.subject_id for name in keys if name.category == Category.USER_INFORMATION]
        for subject_id in living:
            blobs = await self.blobs_of(subject_id) if subject_id != NO_SUBJECT else []
            if blobs:
                opened = len(try_every_key(blobs, keys).opened)
                return Check(what, opened == len(blobs), f"{opened} of {len(blobs)} opened")
        return Check(what, False, "there is nobody else")
