"""The registry of purposes says what the privacy policy says, no less and no more."""

import pytest
from contracts.personal import Category
from contracts.purposes import PURPOSES, LegalBasis, PurposeId

B, C, F = LegalBasis.CONTRACT, LegalBasis.LEGAL_OBLIGATION, LegalBasis.LEGITIMATE_INTEREST
POLICY = {
    "P1": ((B, F), {"user_information"}, {"profile"}),
    "P2": ((F,), {"user_information"}, {"profile"}),
    "P3": ((B, F), {"user_information", "communication"}, {"notifications"}),
    "P4": ((B, F), {"user_information", "communication"}, {"notifications"}),
    "P5": ((C, F), {"website_usage"}, {"audit-log"}),
    "P6": ((F,), {"website_usage"}, {"audit-log"}),
    "P7": ((F,), {"website_usage"}, {"audit-log"}),
    "P8": ((C,), set(Category), {"profile", "notifications", "audit-log", "retention"}),
    "P9": ((B,), {"user_information", "application"}, {"profile"}),
}


def test_every_purpose_of_the_policy_is_registered_and_no_other() -> None:
    assert list(PURPOSES) == [f"P{number}" for number in range(1, 10)] == list(PurposeId)
    assert all(purpose.id is id_ for id_, purpose in PURPOSES.items())


@pytest.mark.parametrize("id_", PurposeId)
def test_a_purpose_has_the_bases_categories_and_services_that_the_policy_names(id_: PurposeId) -> None:
    bases, categories, services = POLICY[id_]
    purpose = PURPOSES[id_]

    assert purpose.bases == bases
    assert purpose.categories == categories
    assert purpose.services == services
    assert purpose.title


def test_every_category_is_processed_for_some_purpose_by_some_service() -> None:
    assert set().union(*(purpose.categories for purpose in PURPOSES.values())) == set(Category)
    assert all(purpose.services for purpose in PURPOSES.values())


def test_nothing_adds_a_purpose_while_the_system_runs() -> None:
    with pytest.raises(TypeError):
        PURPOSES[PurposeId.P1] = PURPOSES[PurposeId.P2]  # type: ignore[index]  # pyright: ignore
