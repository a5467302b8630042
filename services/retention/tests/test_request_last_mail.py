"""The last mail is asked for until it has ended, and an erasure hangs on no mail: after three days it goes on."""

from datetime import timedelta

from contracts.privacy import SubjectErased
from contracts.profile import DeletionReason

from .rig import Rig, new_subject
from .test_on_last_mail_ended import at_mailing


async def test_a_silent_mailer_is_asked_again_with_growing_delays(rig: Rig) -> None:
    await at_mailing(rig)
    assert len(await rig.last_mails_asked()) == 1
    for minutes, asked in ((1, 2), (1, 3), (1, 3), (1, 4), (3, 4), (1, 5)):
        rig.clock.advance(timedelta(minutes=minutes))
        await rig.work("last_mail")
        assert len(await rig.last_mails_asked()) == asked


async def test_each_request_says_the_same_limit(rig: Rig) -> None:
    await at_mailing(rig)
    rig.clock.advance(timedelta(minutes=2))
    await rig.work("last_mail")
    first, second = await rig.last_mails_asked()
    assert first["give_up_at"] == second["give_up_at"]


async def test_an_erasure_whose_mailer_says_nothing_for_three_days_goes_on_by_itself(rig: Rig) -> None:
    subject, _ = await at_mailing(rig)
    rig.clock.advance(timedelta(hours=71))
    await rig.work("last_mail")
    assert await rig.stage(subject) == "mailing"
    rig.clock.advance(timedelta(hours=1))
    await rig.work("last_mail")
    await rig.work("destroy_keys")
    (erasure,) = await rig.erasures_of(subject)
    assert (erasure["stage"], erasure["mail_outcome"]) == ("done", "gave_up")


async def test_a_person_for_whom_nothing_can_be_sealed_gets_no_mail_and_is_erased_all_the_same(rig: Rig) -> None:
    subject = new_subject()
    await rig.erase(subject)
    assert await rig.last_mails_asked() == []
    (erasure,) = await rig.erasures_of(subject)
    assert (erasure["stage"], erasure["mail_outcome"]) == ("done", "no_address")
    assert len(await rig.published(SubjectErased)) == 1


async def test_the_link_of_the_receipt_is_readable_by_nobody_on_the_topic(rig: Rig) -> None:
    await at_mailing(rig)
    (mail,) = await rig.last_mails_asked()
    assert set(mail) == {"subject_id", "erasure_id", "give_up_at", "sealed"}


async def test_an_erasure_that_grew_meanwhile_asks_at_once_when_it_is_there_again(rig: Rig) -> None:
    subject, _ = await at_mailing(rig)
    for hours in (1, 1, 2, 4, 8):
        rig.clock.advance(timedelta(hours=hours))
        await rig.work("last_mail")
    asked = len(await rig.last_mails_asked())
    await rig.delete(subject, DeletionReason.REQUESTED)
    await rig.answer((await rig.requests())[-1])
    await rig.pass_fence(subject)
    await rig.work("tell_recipients")
    await rig.work("last_mail")
    assert await rig.stage(subject) == "mailing"
    assert len(await rig.last_mails_asked()) == asked + 1
