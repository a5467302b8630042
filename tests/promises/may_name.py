"""What may name a person after everything of theirs was erased: a reviewed list, each with the reason.

A column that is not here fails the promise; so does one that is here and names nobody any more.
"""

from types import MappingProxyType
from typing import Final

_TOMBSTONE: Final = "the tombstone: a random id that names nobody, so that nothing late brings the person back"
_PROOF: Final = "D5: proof that the erasure happened, kept 3 years; a random id, and counts"
_EVIDENCE: Final = (
    "D5: how the request was handled, as events of the privacy protocol; sealed, and about no more than ids"
)
_LOOKS: Final = "the looks for residue that are to come"

MAY_NAME: Final = MappingProxyType(
    {
        "profile.subjects.subject_id": _TOMBSTONE,
        "notifications.subjects.subject_id": _TOMBSTONE,
        "audit_log.subjects.subject_id": _TOMBSTONE,
        "retention.subjects.subject_id": _TOMBSTONE,
        "audit_log.contents.subject_id": _EVIDENCE,
        "audit_log.contents.headers": _EVIDENCE,
        "audit_log.contents.body": _EVIDENCE,
        "notifications.last_mails.subject_id": "D5: how the last mail ended; its address and its words are gone",
        "retention.erasures.subject_id": _PROOF,
        "retention.erasure_holders.subject_id": _PROOF,
        "retention.subject_keys.subject_id": "the emptied row of a destroyed key, so that it is never made again",
        "retention.work.subject_id": _LOOKS,
    }
)
MAY_NAME_FOR_A_WHILE: Final = MappingProxyType(
    {
        "{}.pg_statistic.": "samples that PostgreSQL took of a table; it takes new ones when the table has changed enough",
    }
)
"""What comes and goes by itself; the braces stand for the database."""
