"""What the profile service holds of people, and what ends it."""

from typing import Final

from chassis.holders import Holder
from chassis.personal_tables import PersonalTable
from contracts.personal import Category
from contracts.purposes import PurposeId

_WITH_THE_PROFILE: Final = "R1: with the profile"
_OWNER: Final = "subject_id"
_CATEGORY: Final = Category.USER_INFORMATION
_PROFILES: Final = (PurposeId.P1, PurposeId.P2)
"""Profiles of job seekers, and of employers' users."""

HOLDER: Final = Holder(
    "profile",
    tables=(
        PersonalTable(
            "profiles",
            category=_CATEGORY,
            owner=_OWNER,
            rule=_WITH_THE_PROFILE,
            sealed=("details",),
            other=("kind", "employer_id", "registered_at", "corrected_at", "deleted_at"),
            purposes=_PROFILES,
        ),
        PersonalTable(
            "logins",
            category=_CATEGORY,
            owner=_OWNER,
            rule="R1: when the profile ends, before its erasure",
            sealed=("credential",),
            plain=("email_hash",),
            other=("kind", "changed_at", "used_at"),
            holdable=False,  # a credential is evidence of nothing, and goes before the erasure
            purposes=_PROFILES,
        ),
        PersonalTable(
            "resumes",
            category=_CATEGORY,
            owner=_OWNER,
            rule=_WITH_THE_PROFILE,
            sealed=("resume",),
            other=("stored_at",),
            purposes=(PurposeId.P1,),
        ),
        PersonalTable(
            "job_interests",
            category=_CATEGORY,
            owner=_OWNER,
            rule="R1: with the profile, or when the interest is removed",
            sealed=("words",),
            other=("interest_id", "saved_at"),
            record="interest_id",
            purposes=(PurposeId.P1,),
        ),
        PersonalTable(
            "deletions",
            category=_CATEGORY,
            owner=_OWNER,
            rule="R1: with the profile, or when the deletion is cancelled",
            other=("reason", "requested_at", "final_at"),
            purposes=(PurposeId.P8,),
        ),
        PersonalTable(
            "cancel_tokens",
            category=_CATEGORY,
            owner=_OWNER,
            rule="A4: until the deletion is taken back, or with the profile",
            plain=("token_sha256",),
            other=("final_at",),
            purposes=(PurposeId.P8,),
        ),
    ),
    impersonal={
        "employers": "organisations, about no person",
        "positions": "adverts of employers, who keep them when a user of theirs leaves; no contact person is taken",
    },
    work_kinds={"final_deletion": _CATEGORY},
)
