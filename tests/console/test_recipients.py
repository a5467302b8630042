"""On a running system an officer sees who received data of a person, and where the notices to them stand."""

import secrets
from uuid import uuid4

from tests.promises.recipients import Recipient, disclosed, told
from tests.promises.system import System

from .terminal import tillit


async def test_an_officer_sees_who_received_data_and_what_they_were_told(system: System) -> None:
    dal = Recipient("Dal kommune", mail=f"personvern-{secrets.token_hex(8)}@dal.example")
    who = await system.job_seeker()
    await disclosed(system, who.subject_id, dal)
    subject = str(who.subject_id)

    before = await tillit(system.info, "recipients", subject)
    assert before.code == 0, before.err
    for shown in ("Dal kommune", "user_information", "nothing"):
        assert shown in before.out
    await system.erased(who, "everything")
    await told(system, who.subject_id, dal, "erasure", "told")
    assert "erasure (told)" in (await tillit(system.info, "recipients", subject)).out
    nobody = await tillit(system.info, "recipients", str(uuid4()))
    assert nobody.out == "Nobody received data of this person.\n"
