"""The retention service looks through its own database too; the keyring's emptied rows and the proof may stay."""

from uuid import uuid4

from chassis.sql import borrow
from contracts.privacy import ResidueScanned

from .rig import Rig
from .scan_steps import asked_after


async def test_it_answers_its_own_request_clean_though_it_keeps_the_proof_and_the_emptied_keys(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    request = await asked_after(rig, subject)
    await rig.deliver(request)
    await rig.work("scan_residue")
    (answer,) = await rig.published(ResidueScanned)
    assert isinstance(answer, ResidueScanned)
    assert (answer.holder, answer.nonce, answer.found) == ("retention", request.nonce, {})
    assert answer.columns > 100
    await rig.deliver(answer)
    assert await rig.stage(subject) == "done"


async def test_a_person_in_a_table_that_is_about_no_person_is_found(rig: Rig) -> None:
    subject = uuid4()
    request = await asked_after(rig, subject)
    async with borrow(rig.service.database.pool) as connection:
        await connection.execute(
            "INSERT INTO fences (fence_id, taken_at, end_offsets) VALUES ($1, $2, $3::text::jsonb)",
            uuid4(),
            rig.clock.now(),
            f'{{"{subject}": {{}}}}',
        )
    await rig.deliver(request)
    await rig.work("scan_residue")
    (answer,) = await rig.published(ResidueScanned)
    assert isinstance(answer, ResidueScanned)
    assert answer.found == {"fences.end_offsets": 1}
