"""Knows what an organisation that received data of a person is told by mail, in Norwegian (GDPR Art. 19)."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final
from uuid import UUID

from contracts.rights import NoticeKind

SUBJECT_LINES: Final = MappingProxyType(
    {
        NoticeKind.ERASURE: "Opplysninger dere har mottatt skal slettes",
        NoticeKind.CORRECTION: "Opplysninger dere har mottatt er rettet",
        NoticeKind.RESTRICTION: "Behandlingen av opplysninger dere har mottatt er begrenset",
    }
)
_WHAT: Final = MappingProxyType(
    {
        NoticeKind.ERASURE: "er slettet hos oss (personvernforordningen artikkel 17). Vurder om dere også må slette.",
        NoticeKind.CORRECTION: "er rettet hos oss. Hent dem på nytt, eller spør personen.",
        NoticeKind.RESTRICTION: "skal for tiden lagres og ikke brukes, etter personvernforordningen artikkel 18.",
    }
)
_TEXT: Final = """\
{reminder}Opplysninger om en person som dere har mottatt fra oss, {what}

Dette gjelder det dere har mottatt under:

{references}

Meldingens nummer er {notice_id}. Den sendes etter personvernforordningen artikkel 19.
"""


def write_recipient_mail(kind: NoticeKind, references: Sequence[str], notice_id: UUID, *, reminder: int) -> str:
    """The text; it names nobody."""
    return _TEXT.format(
        reminder=f"Påminnelse nr. {reminder}.\n\n" if reminder else "",
        what=_WHAT[kind],
        references="\n".join(f"  - {one}" for one in references),
        notice_id=notice_id,
    )
