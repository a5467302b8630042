"""What the partner board holds of people, and what ends it."""

from typing import Final

from chassis.holders import Holder
from chassis.personal_tables import PersonalTable
from contracts.personal import Category

HOLDER: Final = Holder(
    "partner-board",
    tables=(
        PersonalTable(
            "wishes",
            category=Category.USER_INFORMATION,
            owner="subject_id",
            rule="R1: with the profile",
            sealed=("wish",),
            other=("interest_id", "saved_at"),
            record="interest_id",
        ),
    ),
    impersonal={"departures": "how many people were forgotten, by day"},
)
