"""The registry of purposes P1-P9: why personal data may be processed, on which legal basis (GDPR Art. 6(1)), by whom.

The Article 30 record is generated from this registry; a subscriber names the purpose it processes for.
"""

from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from contracts.personal import Category


class LegalBasis(StrEnum):
    """The lawful grounds of GDPR Art. 6(1) that the policy relies on."""

    CONTRACT = "6(1)(b)"
    LEGAL_OBLIGATION = "6(1)(c)"
    LEGITIMATE_INTEREST = "6(1)(f)"


class PurposeId(StrEnum):
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"
    P5 = "P5"
    P6 = "P6"
    P7 = "P7"
    P8 = "P8"
    P9 = "P9"


class Purpose(NamedTuple):
    """One objective of the privacy policy, section "How we use the information"."""

    id: PurposeId
    title: str
    bases: tuple[LegalBasis, ...]
    categories: frozenset[Category]
    services: frozenset[str]


_B, _C, _F = LegalBasis.CONTRACT, LegalBasis.LEGAL_OBLIGATION, LegalBasis.LEGITIMATE_INTEREST
_USER, _MAIL, _USAGE = Category.USER_INFORMATION, Category.COMMUNICATION, Category.WEBSITE_USAGE


def _purpose(id_: PurposeId, title: str, bases: tuple[LegalBasis, ...], about: set[Category], by: set[str]) -> Purpose:
    return Purpose(id_, title, bases, frozenset(about), frozenset(by))


_ALL = (
    _purpose(PurposeId.P1, "user profiles for job seekers", (_B, _F), {_USER}, {"profile"}),
    _purpose(PurposeId.P2, "user profiles for employers", (_F,), {_USER}, {"profile"}),
    _purpose(PurposeId.P3, "customer service", (_B, _F), {_USER, _MAIL}, {"notifications"}),
    _purpose(
        PurposeId.P4,
        "information about the profile, and notifications of new positions asked for",
        (_B, _F),
        {_USER, _MAIL},
        {"notifications"},
    ),
    _purpose(PurposeId.P5, "security logging", (_C, _F), {_USAGE}, {"audit-log"}),
    _purpose(PurposeId.P6, "improving and customising the website, aggregated only", (_F,), {_USAGE}, {"audit-log"}),
    _purpose(
        PurposeId.P7, "statistics and market trends, anonymous as far as possible", (_F,), {_USAGE}, {"audit-log"}
    ),
    _purpose(
        PurposeId.P8,
        "rights requests, holds, disclosures to authorities, accountability",
        (_C,),
        set(Category),
        {"profile", "notifications", "audit-log", "retention"},
    ),
    _purpose(
        PurposeId.P9,
        "passing applications and published CVs to employers",
        (_B,),
        {_USER, Category.APPLICATION},
        {"profile"},
    ),
)

PURPOSES: Final = MappingProxyType({purpose.id: purpose for purpose in _ALL})
"""Every registered purpose by id. A purpose that is not here can't be named by a subscriber."""
