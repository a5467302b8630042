"""A receipt is handed out only with a proof of the public log with which it checks out whole."""

from datetime import timedelta

import pytest
from chassis.logs import SafeError
from contracts.notes import NoteKey
from contracts.receipt_files import check_receipt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from retention_service.public_log import LogTrust, is_signed
from retention_service.settings import RetentionSettings

from .receipt_steps import attested, fetch, keys_of, newest, prove, proven
from .rig import Rig, new_subject
from .small_log import SmallLog


async def test_a_proven_receipt_checks_out_with_public_keys_alone(logged: Rig, log: SmallLog) -> None:
    others = [await attested(logged, new_subject()) for _ in range(3)]
    log.append(*(one.leaf for _, one in others))
    number = await proven(logged, log, new_subject())
    served = await fetch(logged, number)
    checked = check_receipt(served.content, keys_of(logged, log), is_signed)
    assert served.status_code == 200
    assert checked.checkpoint.size == 4
    assert await logged.reasons_parked() == []


async def test_a_receipt_waits_while_the_log_has_no_entry_for_it(logged: Rig, log: SmallLog) -> None:
    number, last = await attested(logged, new_subject())
    await prove(logged)
    assert (await newest(logged, number)).proof is None
    log.leaves.append(last.leaf.encode())  # taken in, not published
    await prove(logged)
    assert (await fetch(logged, number)).json() == {"state": "proving"}
    log.append()
    await _wait_and_prove(logged)
    assert (await newest(logged, number)).proof is not None


async def test_a_receipt_waits_while_the_log_can_not_be_asked(logged: Rig, log: SmallLog) -> None:
    number, last = await attested(logged, new_subject())
    log.append(last.leaf)
    log.silent = True
    await prove(logged)
    assert (await fetch(logged, number)).status_code == 202
    log.silent = False
    await _wait_and_prove(logged)
    assert (await fetch(logged, number)).status_code == 200


async def test_a_receipt_waits_for_the_signature_of_every_witness(logged: Rig, log: SmallLog) -> None:
    number, last = await attested(logged, new_subject())
    log.append(last.leaf)
    log.witnessed = False
    await prove(logged)
    assert (await fetch(logged, number)).status_code == 202
    log.witnessed = True
    await _wait_and_prove(logged)
    assert (await fetch(logged, number)).status_code == 200


async def test_a_proof_that_another_key_signed_is_not_taken(logged: Rig, log: SmallLog) -> None:
    number, last = await attested(logged, new_subject())
    log.append(last.leaf)
    true, log.private = log.private, Ed25519PrivateKey.generate()
    await prove(logged)
    assert (await newest(logged, number)).proof is None
    log.private = true
    await _wait_and_prove(logged)
    assert (await newest(logged, number)).proof is not None


async def test_without_a_log_in_the_settings_a_receipt_waits(rig: Rig) -> None:
    number, _ = await attested(rig, new_subject())
    await prove(rig)
    assert (await fetch(rig, number)).json() == {"state": "proving"}


def test_settings_whose_keys_are_none_are_refused(log_settings: RetentionSettings) -> None:
    with pytest.raises(SafeError, match="TILLIT_LOG_KEY"):
        LogTrust.of(log_settings.model_copy(update={"log_key": "no key"}))
    trust = LogTrust.of(log_settings)
    assert trust is not None
    assert [str(key) for key in trust.witnesses] == log_settings.witness_keys.split(",")


@pytest.fixture
def log_settings() -> RetentionSettings:
    keys = [NoteKey(name, kind, bytes(32)) for name, kind in (("log", 1), ("one", 4), ("two", 4))]
    return RetentionSettings.model_construct(log_key=str(keys[0]), witness_keys=",".join(map(str, keys[1:])))


async def _wait_and_prove(rig: Rig) -> None:
    rig.clock.advance(timedelta(minutes=1))
    await prove(rig)
