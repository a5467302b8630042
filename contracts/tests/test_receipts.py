"""What a holder signs for a receipt names nobody, is the same bytes everywhere, and changes with every word."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from contracts.personal import Category, SubjectId
from contracts.privacy import HeldRecords, LegalGround, PersonalDataErased
from contracts.receipts import name_of, statement_bytes

HOLD = HeldRecords(
    hold_id=UUID(int=7),
    category=Category.COMMUNICATION,
    ground=LegalGround.LEGAL_CLAIM,
    review_on=datetime(2026, 6, 1, 8, tzinfo=UTC),
    records=2,
)
REPLY = PersonalDataErased(
    subject_id=SubjectId(UUID(int=1)),
    erasure_id=UUID(int=2),
    nonce="nonce",
    holder="profile",
    rows={"people": 3},
    erased_at=datetime(2026, 1, 31, 23, 30, tzinfo=UTC),
    signature="",
    held=(HOLD,),
    rows_by_category={Category.USER_INFORMATION: 3},
    asking=2,
    categories=(Category.COMMUNICATION, Category.USER_INFORMATION),
)


def test_a_statement_is_these_very_bytes_in_every_implementation() -> None:
    assert statement_bytes("name", REPLY) == (
        b"tillit erasure statement v1\n"
        b'{"asking":2,"categories":["communication","user_information"],"erased_on":"2026-01-31","held":[{"category":"communication","ground":"17(3)(e)","records":2,'
        b'"review_on":"2026-06-01"}],"holder":"profile","receipt":"name","rows":{"user_information":3}}'
    )


def test_a_statement_names_neither_the_person_nor_the_erasure_nor_the_hold() -> None:
    said = statement_bytes("name", REPLY)
    for named in (str(REPLY.subject_id), str(REPLY.erasure_id), REPLY.nonce, str(HOLD.hold_id)):
        assert named.encode() not in said


@pytest.mark.parametrize(
    "change",
    [
        {"holder": "notifications"},
        {"rows_by_category": {Category.USER_INFORMATION: 4}},
        {"held": ()},
        {"asking": 3},
        {"categories": (Category.COMMUNICATION,)},
        {"erased_at": REPLY.erased_at + timedelta(hours=1)},
    ],
    ids=["holder", "rows", "held", "asking", "categories", "day"],
)
def test_a_statement_changes_with_everything_that_it_says(change: dict[str, object]) -> None:
    assert statement_bytes("name", REPLY.model_copy(update=change)) != statement_bytes("name", REPLY)


def test_the_day_of_a_statement_does_not_depend_on_the_time_zone_it_was_told_in() -> None:
    oslo = REPLY.model_copy(update={"erased_at": REPLY.erased_at.astimezone(timezone(timedelta(hours=1)))})
    assert statement_bytes("name", oslo) == statement_bytes("name", REPLY)


def test_a_receipts_name_is_of_its_number_alone_and_does_not_show_it() -> None:
    assert name_of("a number") == name_of("a number") != name_of("another")
    assert "number" not in name_of("a number")
    assert len(name_of("")) == len(name_of("x" * 500)) == 43
