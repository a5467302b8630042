"""A recipient's answer counts only with its own signature over this notice, and ends the reminders."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

from contracts.personal import Category, SubjectId
from contracts.rights import NoticeKind
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from retention_service.on_personal_data_disclosed import on_personal_data_disclosed
from retention_service.tell_recipients import make_notices

from .recipients_rig import Employer, Endpoint, told_states
from .rig import Rig
from .test_tell_recipients import at_telling, open_rig, server

__all__ = ["open_rig", "server"]


async def told(rig: Rig, server: Endpoint) -> tuple[UUID, Employer, dict[str, object]]:
    employer = Employer(rig, webhook=server.url("/fjell"))
    subject = await at_telling(rig, employer)
    await rig.work("tell_all")
    return subject, employer, server.taken[-1].notice


def path_of(notice: dict[str, object]) -> str:
    return f"/notices/{notice['notice_id']}/acknowledgement"


async def test_a_signed_answer_is_kept_and_nobody_is_reminded_any_more(open_rig: Rig, server: Endpoint) -> None:
    subject, employer, notice = await told(open_rig, server)
    assert str(notice["acknowledge"]).endswith(path_of(notice))
    for _ in range(2):
        answer = await open_rig.post("stranger", path_of(notice), employer.acknowledgement(notice))
        assert answer.status_code == 204
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["acknowledged"]}
    open_rig.clock.advance(timedelta(days=40))
    await open_rig.work("tell_again")
    assert len(server.taken) == 1


async def test_an_answer_to_less_than_the_notice_is_about_by_then_acknowledges_nothing(
    open_rig: Rig, server: Endpoint
) -> None:
    subject, employer, notice = await told(open_rig, server)
    [erasure] = await open_rig.erasures_of(subject)
    database, person = open_rig.service.database, SubjectId(subject)
    async with database.transaction([person]) as tx:
        answering = asyncio.create_task(
            open_rig.post("stranger", path_of(notice), employer.acknowledgement(notice))  # read before the notice grew
        )
        await open_rig.until_somebody_waits_for_a_lock()
        await on_personal_data_disclosed(employer.received(subject), tx)
        erasure_id = UUID(str(erasure["erasure_id"]))
        await make_notices(tx, person, erasure_id, NoticeKind.ERASURE, [Category.USER_INFORMATION])
    assert (await answering).status_code == 403
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["waiting"]}


async def test_an_answer_that_another_key_signed_is_refused(open_rig: Rig, server: Endpoint) -> None:
    subject, employer, notice = await told(open_rig, server)
    forged = employer.acknowledgement(notice, by=Ed25519PrivateKey.generate())
    assert (await open_rig.post("stranger", path_of(notice), forged)).status_code == 403
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["told"]}


async def test_an_answer_to_another_notice_is_refused(open_rig: Rig, server: Endpoint) -> None:
    _, employer, notice = await told(open_rig, server)
    _, _, other = await told(open_rig, server)
    answer = await open_rig.post("stranger", path_of(other), employer.acknowledgement(notice))
    assert answer.status_code == 403


async def test_an_answer_whose_time_was_changed_is_refused(open_rig: Rig, server: Endpoint) -> None:
    _, employer, notice = await told(open_rig, server)
    changed = {**employer.acknowledgement(notice), "acted_at": "2026-02-04T10:00:00Z"}
    assert (await open_rig.post("stranger", path_of(notice), changed)).status_code == 403


async def test_an_answer_to_no_notice_is_not_found_and_a_time_without_an_offset_is_none(
    open_rig: Rig, server: Endpoint
) -> None:
    _, employer, notice = await told(open_rig, server)
    good = employer.acknowledgement(notice)
    assert (await open_rig.post("stranger", f"/notices/{uuid4()}/acknowledgement", good)).status_code == 404
    without = employer.acknowledgement(notice, acted_at="2026-02-03T10:00:00")
    assert (await open_rig.post("stranger", path_of(notice), without)).status_code == 422
