"""An answer counts only when its holder signed it for this request; the last one, and only it, ends the asking."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from chassis.holder_replies import sign_reply
from contracts.personal import Category, SubjectId
from contracts.privacy import ErasureRequested, PersonalDataErased

from .rig import HOLDERS, Rig

Forgery = Callable[[Rig, ErasureRequested], PersonalDataErased]


async def test_an_erasure_goes_on_with_the_last_answer_and_not_before(rig: Rig) -> None:
    subject = uuid4()
    await rig.delete(subject)
    (request,) = await rig.requests()
    for n, holder in enumerate(HOLDERS):
        assert await rig.stage(subject) == "asking"
        assert await rig.silent(subject) == set(HOLDERS[n:])
        await rig.answer(request, [holder])
    assert await rig.stage(subject) == "fencing"
    (erasure,) = await rig.erasures_of(subject)
    assert erasure["answered_at"] is not None
    parts = {part["holder"]: part["rows"] for part in rig.parts(erasure)}
    assert parts == {holder: {"contacts": 1} for holder in HOLDERS}


async def test_a_repeated_answer_changes_nothing(rig: Rig) -> None:
    subject = uuid4()
    await rig.delete(subject)
    (request,) = await rig.requests()
    await rig.deliver(rig.reply(request, "profile", rows={"people": 3}))
    await rig.deliver(rig.reply(request, "profile", rows={"people": 0}))
    (erasure,) = await rig.erasures_of(subject)
    assert {part["holder"]: part["rows"] for part in rig.parts(erasure)}["profile"] == {"people": 3}
    await rig.answer(request)
    await rig.answer(request)
    assert await rig.stage(subject) == "fencing"
    assert await rig.reasons_parked() == []


async def test_an_answer_that_comes_again_after_the_end_changes_nothing(rig: Rig) -> None:
    subject = uuid4()
    request = await rig.erase(subject)
    await rig.answer(request)
    assert await rig.stage(subject) == "done"
    assert await rig.reasons_parked() == []


def _wrong_key(rig: Rig, request: ErasureRequested) -> PersonalDataErased:
    return rig.reply(request, "profile", signed_by="forger")


def _another_holders_key(rig: Rig, request: ErasureRequested) -> PersonalDataErased:
    return rig.reply(request, "profile", signed_by="notifications")


def _wrong_nonce(rig: Rig, request: ErasureRequested) -> PersonalDataErased:
    return rig.reply(request.model_copy(update={"nonce": "0" * 32}), "profile")


def _wrong_subject(rig: Rig, request: ErasureRequested) -> PersonalDataErased:
    return rig.reply(request.model_copy(update={"subject_id": SubjectId(uuid4())}), "profile")


def _wrong_erasure(rig: Rig, request: ErasureRequested) -> PersonalDataErased:
    return rig.reply(request.model_copy(update={"erasure_id": uuid4()}), "profile")


def _not_asked(rig: Rig, request: ErasureRequested) -> PersonalDataErased:
    return rig.reply(request, "operator")


def _nobody(rig: Rig, request: ErasureRequested) -> PersonalDataErased:
    return rig.reply(request, "forger")


def _changed_after_signing(rig: Rig, request: ErasureRequested) -> PersonalDataErased:
    return rig.reply(request, "profile").model_copy(update={"rows": {"people": 7}})


def _no_signature(rig: Rig, request: ErasureRequested) -> PersonalDataErased:
    return rig.reply(request, "profile").model_copy(update={"signature": ""})


def _signed_again(rig: Rig, reply: PersonalDataErased) -> PersonalDataErased:
    """As a holder would sign it that states one thing to us and another to the bearer of the receipt."""
    return sign_reply(reply, rig.identities.keys["profile"])


def _no_statement(rig: Rig, request: ErasureRequested) -> PersonalDataErased:
    return _signed_again(rig, rig.reply(request, "profile").model_copy(update={"statement_signature": ""}))


def _states_another_count(rig: Rig, request: ErasureRequested) -> PersonalDataErased:
    counts = {Category.USER_INFORMATION: 7}
    return _signed_again(rig, rig.reply(request, "profile").model_copy(update={"rows_by_category": counts}))


def _states_it_for_another_receipt(rig: Rig, request: ErasureRequested) -> PersonalDataErased:
    return rig.reply(request.model_copy(update={"receipt": "another"}), "profile")


def _states_it_for_no_receipt(rig: Rig, request: ErasureRequested) -> PersonalDataErased:
    return rig.reply(request.model_copy(update={"receipt": ""}), "profile")


def _no_base64(rig: Rig, request: ErasureRequested) -> PersonalDataErased:
    return rig.reply(request, "profile").model_copy(update={"signature": "æøå"})


@pytest.mark.parametrize(
    ("forge", "why"),
    [
        (_wrong_key, "not signed by the holder"),
        (_another_holders_key, "not signed by the holder"),
        (_wrong_nonce, "not the nonce"),
        (_wrong_subject, "another person"),
        (_wrong_erasure, "does not exist"),
        (_not_asked, "was not asked"),
        (_nobody, "not signed by the holder"),
        (_changed_after_signing, "not signed by the holder"),
        (_no_signature, "not signed by the holder"),
        (_no_base64, "not signed by the holder"),
        (_no_statement, "states for the receipt is not signed"),
        (_states_another_count, "states for the receipt is not signed"),
        (_states_it_for_another_receipt, "states for the receipt is not signed"),
        (_states_it_for_no_receipt, "states for the receipt is not signed"),
    ],
)
async def test_a_forged_answer_completes_nothing_and_is_parked_with_its_reason(
    rig: Rig, forge: Forgery, why: str
) -> None:
    subject = uuid4()
    await rig.delete(subject)
    (request,) = await rig.requests()
    await rig.answer(request, [holder for holder in HOLDERS if holder != "profile"])
    await rig.deliver(forge(rig, request))
    assert await rig.stage(subject) == "asking"
    assert await rig.silent(subject) == {"profile"}
    (reason,) = await rig.reasons_parked()
    assert why in reason
    await rig.answer(request, ["profile"])  # a parked forgery holds back no true answer
    assert await rig.stage(subject) == "fencing"


async def test_an_answer_to_one_persons_erasure_does_not_complete_anothers(rig: Rig) -> None:
    one, other = uuid4(), uuid4()
    await rig.delete(one)
    await rig.delete(other)
    first, second = await rig.requests()
    for holder in HOLDERS:
        await rig.deliver(rig.reply(second.model_copy(update={"nonce": first.nonce}), holder))
    assert await rig.silent(one) == await rig.silent(other) == set(HOLDERS)
