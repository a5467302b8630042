"""The retention service answers as a holder, and keeps its keyring and the proof of the erasure."""

from uuid import uuid4

from contracts.privacy import PersonalDataErased

from .rig import Rig


async def test_it_answers_its_own_request_with_a_reply_that_counts(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    await rig.delete(subject)
    (request,) = await rig.requests()
    await rig.deliver(request)
    (reply,) = await rig.published(PersonalDataErased)
    assert isinstance(reply, PersonalDataErased)
    assert (reply.holder, reply.nonce, reply.erasure_id) == ("retention", request.nonce, request.erasure_id)
    await rig.deliver(reply)
    assert "retention" not in await rig.silent(subject)
    assert len(await rig.erasures_of(subject)) == 1
    assert await rig.key("profile", subject, "user_information") is not None
