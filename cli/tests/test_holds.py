"""What a hold is about is said in a few words that name no person."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from contracts.privacy import LegalGround
from tillit_cli.holds import HoldSeen

ABOUT: dict[str, dict[str, Any]] = {
    "the whole person": {},
    "communication": {"category": "communication"},
    "profile": {"holder": "profile"},
    "profile, user_information": {"holder": "profile", "category": "user_information"},
    "notifications.mails": {"holder": "notifications", "table": "mails"},
    "2 records of notifications.mails": {
        "holder": "notifications",
        "table": "mails",
        "records": [UUID(int=1), UUID(int=2)],
    },
}


@pytest.mark.parametrize(("words", "about"), ABOUT.items(), ids=ABOUT)
def test_a_hold_says_exactly_what_it_is_about(words: str, about: dict[str, Any]) -> None:
    hold = HoldSeen.model_validate(
        {
            "category": None,
            "holder": None,
            "table": None,
            "records": [],
            "hold_id": UUID(int=3),
            "subject_id": UUID(int=4),
            "ground": LegalGround.LEGAL_CLAIM,
            "owner": "privacy-officer",
            "review_on": datetime(2026, 1, 1, tzinfo=UTC),
            "lifted_at": None,
            "overdue": False,
            **about,
        }
    )
    assert hold.about == words
