"""What the audit log holds of people, and what ends it."""

from typing import Final

from chassis.holders import Holder
from chassis.personal_tables import PersonalTable
from contracts.personal import Category
from contracts.purposes import PurposeId


def _contents(category: Category, rule: str) -> PersonalTable:
    return PersonalTable(
        "contents",
        category=category,
        owner="subject_id",
        rule=rule,
        category_column="category",
        purposes=(PurposeId.P8,),
        sealed=("body", "sealed_salt"),
        other=("position", "event_id", "headers"),
        several="subject_ids",  # of the others nothing is lost that its source does not have: this is a copy
        record="event_id",
        holdable=False,  # sealed as others made it, and not to be opened here: what is held is their owners' copy
    )


HOLDER: Final = Holder(
    "audit-log",
    tables=(
        _contents(Category.USER_INFORMATION, "R1: with the profile"),
        _contents(Category.COMMUNICATION, "R4: 3 years"),
        _contents(Category.WEBSITE_USAGE, "R3: 6 months"),
        _contents(Category.RIGHTS_CASE, "D5: 3 years after the case ended"),
        _contents(Category.APPLICATION, "R7: the employer's period"),
    ),
    impersonal={
        "entries": "no subject, no event id, the time cut to the hour: that something happened, not to whom",
        "leaves": "the same, in the tree's order, as the bytes that are committed to for ever",
        "unsequenced": "unused since 0003: what waited there moved to the next",
        "unsequenced_batches": "positions of entries that have no leaf yet",
    },
)
