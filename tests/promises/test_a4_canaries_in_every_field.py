"""A4, R1: a person with a unique string in every personal field is driven through every feature, and then erased.

No string is readable anywhere before, but the few that are searched, in the columns listed here; none is after, also not
in traces or in backups that were made before; what those hold sealed opens before and with no key that is left after; and
what was planted in every place is found by the same search.
"""

import asyncio
import shutil
from collections.abc import Collection, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from chassis.keys import KeyName
from chassis.sealing import unseal
from contracts.personal import Category, SubjectId
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from retention_service import keyring_backup
from tillit_cli.proof.byte_search import Hit
from tillit_cli.proof.keyring import remaining_keys
from tillit_cli.proof.needles import Needle, needles_of
from tillit_cli.proof.residue import Before, ResidueProof
from tillit_cli.proof.sealed_blobs import FoundBlob, open_with_own_keys, try_every_key

from tests.integration.trace_receiver import TraceReceiver

from .canaries import NOWHERE, SEARCHED, TOLD, WITHOUT, Canaries, every_personal_field, new_text
from .canary_controls import IN_TABLES, planted_everywhere, traced
from .canary_story import erase_everything, parked_about, tell_everything
from .kept_backups import backed_up, blobs_in, keys_in_backup, rotated
from .system import System

PLAIN_COLUMNS: Final = {"notifications.interest_search"}
"""What is searched stands plain in its owner's indexed columns, which no log and no backup holds."""
KEYRING: Final = "keyring.backup"
_FILES: Final = """
    SELECT pg_relation_filepath(c.oid) AS file FROM pg_class c
     WHERE c.oid = $1::text::regclass OR c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = $1::text::regclass)
"""


def test_a4_every_personal_field_that_exists_has_a_canary_or_a_reason() -> None:
    fields = every_personal_field()
    known = set(TOLD) | set(WITHOUT)
    assert len(fields) > 40
    assert not fields - known, "tell each in canary_story and say so in TOLD, or say in WITHOUT why it needs none"
    assert not known - fields, "these fields are gone: take them out"
    assert not set(TOLD) & set(WITHOUT)
    told = {name for names in TOLD.values() for name in names}
    assert told == set(Canaries().of) - {"query", "header"}


async def test_a4_no_canary_is_readable_anywhere_and_after_the_erasure_none_can_be_opened(
    system: System, traces: TraceReceiver
) -> None:
    canary = Canaries()
    told = await tell_everything(system, canary)
    subject = told.subject
    with kept_below(system.info.state) as kept:
        kept_dumps = await put_aside(system, kept)
        secret, searched = canary.needles([*canary.sealed, *NOWHERE]), canary.needles(SEARCHED)
        proof = ResidueProof(system.info, subject, secret)
        before = await proof.before_erasure()
        assert all(check.holds for check in before.checks), before.checks
        assert {table_of(blob) for blob in before.blobs} >= IN_TABLES
        assert told_in(await opened(system, before), [*secret, *searched]) == {*canary.sealed, *SEARCHED}
        seen = await traced(system, traces)
        assert {service for service, _ in seen} >= {f"tillit-{name}" for name in system.info.services}
        assert ("tillit-profile", "POST /job-seekers") in seen
        assert str(subject).encode() not in traces.raw

        planted = needles_of({"planted": [new_text()]})
        async with planted_everywhere(system, traces, kept / "planted", planted[0].content.decode()) as control:
            hits = await system.search(subject, [*secret, *searched, *planted])
        assert control.missed(hits, planted) == []
        assert {hit for hit in hits if hit.needle in secret} == set()
        plain = {hit for hit in hits if hit.needle in searched}
        assert not plain - await may_be_plain(system, plain)
        assert {hit.where for hit in plain if hit.place == "rows"} >= PLAIN_COLUMNS

        dumped = blobs_in(kept_dumps, [*system.info.services], subject)
        assert {blob.where for blob in dumped} == {*system.info.services}
        assert not open_with_own_keys(dumped, keys_in_backup(kept / KEYRING, system.info.kek))

        await erase_everything(system, told, canary)
        after = await proof.after_erasure(before)
        others = [check for check in after.checks if "no remaining key opens" not in check.what]
        assert all(check.holds for check in others), others
        # that a last mail was asked for is part of the case (D5): sealed with it, and about nothing that was erased
        assert {blob.header.category for blob in after.tried.opened} <= {Category.RIGHTS_CASE}
        assert after.tried.pairs > len(before.blobs)
        assert await parked_about(system, subject) == 0
        left = await system.search(subject, searched)
        assert not left - await may_be_plain(system, left, rows=False)

        remaining = await remaining_keys(system.stored, system.info.kek)
        assert {blob.header.category for blob in try_every_key(dumped, remaining).opened} <= {Category.RIGHTS_CASE}
        await rotated(system.operator)
        assert keys_in_backup(kept / KEYRING, system.info.kek) == {}


@contextmanager
def kept_below(state: Path) -> Generator[Path]:
    """A folder that is searched with the rest of the stack's state."""
    folder = state / "kept-of-the-canaries"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


async def put_aside(system: System, folder: Path) -> Path:
    """Backups of every service and of the keyring, as operators make them; where the dumps are."""
    dumps = await asyncio.to_thread(backed_up, system, folder)
    await rotated(system.operator)
    newest = keyring_backup.newest(system.info.kek.with_name("keyring-backups"))
    assert newest is not None
    shutil.copy(newest, folder / KEYRING)
    return dumps


def table_of(blob: FoundBlob) -> str:
    return blob.where.rpartition(".")[0]


async def opened(system: System, before: Before) -> list[bytes]:
    """What the person's blobs say, while they live."""
    keys = {name: AESGCM(key) for name, key in (await remaining_keys(system.stored, system.info.kek)).items()}
    named = [(KeyName(SubjectId(blob.header.subject_id), blob.header.category), blob) for blob in before.blobs]
    return [unseal(keys[name], blob.content) for name, blob in named]


def told_in(payloads: Collection[bytes], needles: Collection[Needle]) -> set[str]:
    """The canaries that any of them holds, in any form."""
    return {needle.of for needle in needles if any(needle.content in payload for payload in payloads)}


async def may_be_plain(system: System, hits: Collection[Hit], *, rows: bool = True) -> set[Hit]:
    """Those in listed columns, and in the files of their tables, whose free space is re-used later: in no other file."""
    files: set[str] = set()
    for database, table in (column.split(".") for column in PLAIN_COLUMNS):
        async with system.stored.connected(database) as connection:
            found = await connection.fetch(_FILES, table)
        files |= {row["file"] for row in found}
    return {
        hit
        for hit in hits
        if (hit.place == "PostgreSQL" and hit.where in files)
        or (hit.place == "rows" and rows and hit.where in PLAIN_COLUMNS)
    }
