"""What the notifications service holds of people, and what ends it."""

from typing import Final

from chassis.holders import Holder
from chassis.personal_tables import Clock, PersonalTable
from contracts.personal import Category
from contracts.purposes import PurposeId

HOLDER: Final = Holder(
    "notifications",
    tables=(
        PersonalTable(
            "contacts",
            category=Category.USER_INFORMATION,
            owner="subject_id",
            rule="R1: with the profile",
            sealed=("contact",),
            other=("stored_at",),
            purposes=(PurposeId.P4,),
        ),
        PersonalTable(  # before what it is made of, with which its rows go: or an erasure would count none
            "interest_search",
            category=Category.USER_INFORMATION,
            owner="subject_id",
            rule="R1: with the interest it is made of",
            plain=("occupation", "place"),
            other=("interest_id",),
            record="interest_id",
            holdable=False,  # made of `interests`, of which a hold keeps the person's own words
            purposes=(PurposeId.P4,),
        ),
        PersonalTable(
            "interests",
            category=Category.USER_INFORMATION,
            owner="subject_id",
            rule="R1: with the profile, or when the interest is removed",
            sealed=("words",),
            other=("interest_id", "saved_at"),
            record="interest_id",
            purposes=(PurposeId.P4,),
        ),
        PersonalTable(
            "mails",
            category=Category.COMMUNICATION,
            owner="subject_id",
            rule="R4: 3 years after it was sent or dropped",
            sealed=("mail",),
            other=("mail_id", "kind", "state", "smtp_code", "made_at", "ended_at"),
            record="mail_id",
            purposes=(PurposeId.P4,),
            clock=Clock("ended_at", months=36),
        ),
        PersonalTable(
            "last_mails",
            category=Category.RIGHTS_CASE,
            owner="subject_id",
            rule="A4: address and letter until the last mail has ended; how it ended as D5, 3 years",
            sealed=("contact", "letter"),
            other=("erasure_id", "mail_id", "kept_at", "give_up_at", "ended_at", "outcome"),
            clock=Clock("ended_at", months=36),
        ),
    ),
    impersonal={
        "positions": "adverts, about no person",
        "interest_search_made": "how far the search for interests is made: one row, about no person",
        "recipient_mails": "mails to organisations, under references that only they can resolve; they name nobody",
    },
    # A mail's errand outlives the erasure of the profile: it finds the person restricted and ends the mail as dropped.
    work_kinds={
        "job_alert": Category.USER_INFORMATION,
        "mail": Category.COMMUNICATION,
        "last_mail": Category.RIGHTS_CASE,
    },
)
