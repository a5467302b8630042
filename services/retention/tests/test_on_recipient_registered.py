"""A recipient is known by what it said last; one that could never be told, or never answer, is parked."""

from uuid import uuid4

import pytest
from chassis.sql import borrow
from contracts.disclosure import RecipientKind, RecipientRegistered
from retention_service import recipients

from .recipients_rig import Employer
from .rig import Rig


def registered(rig: Rig, **told: str | None) -> RecipientRegistered:
    return RecipientRegistered.model_validate(
        {
            "recipient_id": uuid4(),
            "name": "Fjell sykehus",
            "kind": RecipientKind.EMPLOYER,
            "registered_at": rig.clock.now(),
            **told,
        }
    )


async def test_what_a_recipient_said_last_of_itself_counts(rig: Rig) -> None:
    employer = Employer(rig, webhook="https://fjell.example/notices")
    await rig.deliver(employer.registered())
    employer.name = "Fjell universitetssykehus"
    await rig.deliver(employer.registered())
    async with borrow(rig.service.database.pool) as connection:
        known = await recipients.find(connection, [employer.recipient_id])
    assert [one.name for one in known.values()] == ["Fjell universitetssykehus"]


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"webhook": "http://fjell.example/notices"},
        {"webhook": "ftp://fjell.example/notices"},
        {"webhook": "https://user:word@fjell.example/"},
        {"webhook": "https:///nowhere"},
        {"webhook": "https://fjell.example:99999/"},
        {"mail": "post@fjell.example", "acknowledgement_key": "not a key"},
        {"mail": "post@fjell.example", "acknowledgement_key": "AAAA"},
    ],
    ids=["no way", "plain http", "another scheme", "a user", "no host", "no port", "no base64", "too short"],
)
async def test_a_recipient_that_could_not_be_told_or_not_answer_is_parked(rig: Rig, told: dict[str, str]) -> None:
    event = registered(rig, **told)
    await rig.deliver(event)
    assert len(await rig.reasons_parked()) == 1
    async with borrow(rig.service.database.pool) as connection:
        assert await recipients.find(connection, [event.recipient_id]) == {}
