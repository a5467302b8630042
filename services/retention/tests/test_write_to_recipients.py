"""Recipients that can answer and do not are reminded after 7, 14 and 28 days, and then said to be unresponsive."""

from datetime import timedelta
from typing import cast

import pytest
from contracts.communication import RecipientMailSent
from contracts.rights import RecipientMailRequested
from prometheus_client import generate_latest

from .recipients_rig import Employer, Endpoint, told_states
from .rig import Rig
from .test_lift_hold import ITEM
from .test_tell_recipients import at_telling, open_rig, server

__all__ = ["open_rig", "server"]


async def days(rig: Rig, count: float) -> None:
    rig.clock.advance(timedelta(days=count))
    await rig.work("tell_again")


async def test_who_does_not_answer_is_reminded_three_times_and_then_shown_as_unresponsive(
    open_rig: Rig, server: Endpoint
) -> None:
    subject = await at_telling(open_rig, Employer(open_rig, webhook=server.url("/fjell")))
    await open_rig.work("tell_all")
    for passed, reminders in ((6.9, 0), (0.1, 1), (6.9, 1), (0.1, 2), (13.9, 2), (0.1, 3), (6.9, 3)):
        await days(open_rig, passed)
        assert [taken.notice["reminder"] for taken in server.taken] == [*range(reminders + 1)]
        assert await told_states(open_rig, subject) == {"Fjell sykehus": ["told"]}
    await days(open_rig, 0.1)
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["unresponsive"]}
    await days(open_rig, 100)
    assert len(server.taken) == 4


async def test_who_can_not_answer_is_not_reminded(open_rig: Rig, server: Endpoint) -> None:
    subject = await at_telling(open_rig, Employer(open_rig, webhook=server.url("/fjell"), answers=False))
    await open_rig.work("tell_all")
    await days(open_rig, 60)
    assert len(server.taken) == 1
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["told"]}


async def test_who_can_not_be_reached_is_tried_with_growing_delays_and_not_forgotten_in_silence(
    open_rig: Rig, server: Endpoint
) -> None:
    server.answers["/fjell"] = "503 Away"
    subject = await at_telling(open_rig, Employer(open_rig, webhook=server.url("/fjell")))
    await open_rig.work("tell_all")
    for minutes, tries in ((1, 2), (1, 2), (1, 3), (3, 3), (1, 4)):
        open_rig.clock.advance(timedelta(minutes=minutes))
        await open_rig.work("tell_again")
        assert len(server.taken) == tries
    await days(open_rig, 34)
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["chased"]}
    await days(open_rig, 1)
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["unresponsive"]}


async def test_a_mail_that_was_sent_tells_and_is_reminded_by_mail(open_rig: Rig) -> None:
    employer = Employer(open_rig, mail="personvern@fjell.example")
    subject = await at_telling(open_rig, employer)
    await open_rig.work("tell_all")
    asked = (await open_rig.published(RecipientMailRequested))[-1]
    assert isinstance(asked, RecipientMailRequested)
    sent = RecipientMailSent(
        recipient_id=employer.recipient_id,
        notice_id=asked.notice_id,
        reminder=0,
        sent_at=open_rig.clock.now(),
        references=asked.references,
    )
    await open_rig.deliver(sent, sent)
    await open_rig.work("recipient_has_mail")
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["told"]}
    await days(open_rig, 6.9)
    assert len(await open_rig.published(RecipientMailRequested)) == 1
    await days(open_rig, 0.1)
    reminded = (await open_rig.published(RecipientMailRequested))[-1]
    assert isinstance(reminded, RecipientMailRequested)
    assert (reminded.notice_id, reminded.reminder) == (asked.notice_id, 1)


@pytest.mark.parametrize("answer", ["204 No Content", "503 Away"])
async def test_who_is_told_of_less_than_the_notice_is_about_by_then_is_told_of_all_of_it(
    open_rig: Rig, server: Endpoint, answer: str
) -> None:
    employer = Employer(open_rig, webhook=server.url("/fjell"))
    subject = await at_telling(open_rig, employer)
    server.answers["/fjell"] = answer

    async def more_comes_to_light() -> None:
        await open_rig.deliver(employer.received(subject, reference="late"))
        await open_rig.work("tell_recipients")
        del server.answers["/fjell"]

    server.meanwhile = more_comes_to_light
    await open_rig.work("tell_all")
    first, second = [cast("list[str]", taken.notice["references"]) for taken in server.taken]
    assert (len(first), set(second)) == (1, {*first, "late"})
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["told"]}
    assert await open_rig.stage(subject) == "mailing"


async def test_who_acted_on_a_notice_while_it_was_sent_again_is_not_reminded(open_rig: Rig, server: Endpoint) -> None:
    employer = Employer(open_rig, webhook=server.url("/fjell"))
    subject = await at_telling(open_rig, employer)

    async def it_answers() -> None:
        notice = server.taken[-1].notice
        path = f"/notices/{notice['notice_id']}/acknowledgement"
        assert (await open_rig.post("stranger", path, employer.acknowledgement(notice))).status_code == 204

    server.meanwhile = it_answers
    await open_rig.work("tell_all")
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["acknowledged"]}
    await days(open_rig, 40)
    assert len(server.taken) == 1


async def test_notices_that_may_not_have_arrived_are_measured_until_they_have(open_rig: Rig, server: Endpoint) -> None:
    server.answers.update({"/fjell": "503 Away", "/dal": "503 Away"})
    fjell, dal = (Employer(open_rig, name, server.url(f"/{name}")) for name in ("fjell", "dal"))
    await at_telling(open_rig, fjell, dal)
    assert await not_told(open_rig) == {"waiting": 2}
    await open_rig.work("tell_all")
    assert await not_told(open_rig) == {"chased": 2}
    del server.answers["/fjell"]
    await days(open_rig, 0.1)
    assert await not_told(open_rig) == {"chased": 1}
    await days(open_rig, 35)
    assert await not_told(open_rig) == {"unresponsive": 2}


async def not_told(rig: Rig) -> dict[str, float]:
    """What the next look measures, by state."""
    (known,) = [kind for kind in rig.service.work_kinds if kind.kind == "fence"]
    assert known.errand is not None
    await known.errand(ITEM)
    lines = generate_latest(rig.service.metrics.registry).decode().splitlines()
    found = [line.split('"') for line in lines if line.startswith("tillit_notices_not_told{")]
    return {state: float(value.removeprefix("}")) for _, state, value in found}
