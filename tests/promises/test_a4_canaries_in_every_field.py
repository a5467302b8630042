"""A4, R1: a person with a unique string in every personal field is driven through every feature, and then erased.

No string is readable anywhere before, but the few that are searched, in the columns listed here; none is after, also not
in backups that were made before; and what was planted is found by the same search.
"""

import asyncio
import shutil
from collections.abc import Collection
from typing import Final

from chassis.keys import KeyName
from chassis.sealing import unseal
from contracts.personal import Category, SubjectId
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tillit_cli.proof.byte_search import Hit
from tillit_cli.proof.keyring import remaining_keys
from tillit_cli.proof.needles import Needle
from tillit_cli.proof.residue import Before, ResidueProof

from .canaries import NOWHERE, SEARCHED, TOLD, WITHOUT, Canaries, every_personal_field
from .canary_story import back_up, erase_everything, parked_about, tell_everything
from .system import System

PLAIN_COLUMNS: Final = {"notifications.interest_search"}
"""What is searched stands plain in its owner's indexed columns, which no log and no backup holds."""


def test_a4_every_personal_field_that_exists_has_a_canary_or_a_reason() -> None:
    fields = every_personal_field()
    known = set(TOLD) | set(WITHOUT)
    assert len(fields) > 40
    assert not fields - known, "tell each in canary_story and say so in TOLD, or say in WITHOUT why it needs none"
    assert not known - fields, "these fields are gone: take them out"
    assert not set(TOLD) & set(WITHOUT)
    told = {name for names in TOLD.values() for name in names}
    assert told == set(Canaries().of) - {"query", "header"}


async def test_a4_no_canary_is_readable_anywhere_and_after_the_erasure_none_can_be_opened(system: System) -> None:
    canary = Canaries()
    backups = system.info.state / "backups-of-the-canaries"
    told = await tell_everything(system, canary)
    subject = told.subject
    try:
        await asyncio.to_thread(back_up, system, backups)
        secret, searched = canary.needles([*canary.sealed, *NOWHERE]), canary.needles(SEARCHED)
        proof = ResidueProof(system.info, subject, secret)
        before = await proof.before_erasure()
        assert all(check.holds for check in before.checks), before.checks
        assert await parked_about(system, subject) > 0
        assert told_in(await opened(system, before), secret) == {*canary.sealed}
        assert await system.search(subject, secret) == set()
        plain = await system.search(subject, searched)
        assert not plain - may_be_plain(plain)
        assert {hit.where for hit in plain if hit.place == "rows"} >= PLAIN_COLUMNS

        await erase_everything(system, told, canary)
        after = await proof.after_erasure(before)
        others = [check for check in after.checks if "no remaining key opens" not in check.what]
        assert all(check.holds for check in others), others
        # that a last mail was asked for is part of the case (D5): sealed with it, and about nothing that was erased
        assert {blob.header.category for blob in after.tried.opened} <= {Category.RIGHTS_CASE}
        assert after.tried.pairs > len(before.blobs)
        assert await parked_about(system, subject) == 0
        left = await system.search(subject, searched)
        assert not left - may_be_plain(left, rows=False)
    finally:
        shutil.rmtree(backups, ignore_errors=True)


async def opened(system: System, before: Before) -> list[bytes]:
    """What the person's blobs say, while they live."""
    keys = {name: AESGCM(key) for name, key in (await remaining_keys(system.stored, system.info.kek)).items()}
    named = [(KeyName(SubjectId(blob.header.subject_id), blob.header.category), blob) for blob in before.blobs]
    return [unseal(keys[name], blob.content) for name, blob in named]


def told_in(payloads: Collection[bytes], needles: Collection[Needle]) -> set[str]:
    """The canaries that any of them holds, in any form."""
    return {needle.of for needle in needles if any(needle.content in payload for payload in payloads)}


def may_be_plain(hits: Collection[Hit], *, rows: bool = True) -> set[Hit]:
    """Those in listed columns, and in PostgreSQL's files of them, whose free space is re-used later; in no log of it."""
    return {
        hit
        for hit in hits
        if (hit.place == "PostgreSQL" and not hit.where.startswith("pg_wal/"))
        or (hit.place == "rows" and rows and hit.where in PLAIN_COLUMNS)
    }
