"""What of an erased person may stay where, and why: reviewed data. Whatever else names them is a resurrection.

Each entry is one table of one service and the condition, in SQL, on rows that may stay; `one.gone` are the categories of
the person that are erased.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from contracts.registry import EVENTS

EVERY: Final = "every service"


class MayStay(NamedTuple):
    """Rows of a table that may name an erased person, and why."""

    rows: str
    why: str


_CATEGORY_OF_TYPE: Final = ", ".join(f"('{event.type}', '{event.category}')" for event in EVENTS if event.category)

REMAIN: Final[Mapping[tuple[str, str], MayStay]] = MappingProxyType(
    {
        (EVERY, "subjects"): MayStay("erased @> one.gone", "the tombstone: an id and categories, for 90 days"),
        (EVERY, "outbox"): MayStay("true", "sealed, sent soon, and dropped where it arrives; empty once all is sent"),
        (EVERY, "parked"): MayStay(
            "NOT encrypted AND (privacy_protocol OR EXISTS (SELECT 1 FROM"
            f" (VALUES {_CATEGORY_OF_TYPE}) AS known (type, category)"
            " WHERE known.type = row.event_type AND known.category <> ALL(one.gone)))",
            "the privacy protocol, which waits for nobody and says nothing of a person; what is of another category",
        ),
        (EVERY, "known_holds"): MayStay(
            "true", "that there is a hold, so that it can be lifted; 90 days after that, none"
        ),
        (EVERY, "held_records"): MayStay(
            "EXISTS (SELECT 1 FROM known_holds h WHERE h.hold_id = row.hold_id AND h.lifted_at IS NULL)",
            "R5: what a hold in force keeps, sealed under the hold's own key",
        ),
        ("retention", "holds"): MayStay("true", "rights_case: which holds there were and why, sealed, for 3 years"),
        ("retention", "subject_keys"): MayStay(
            "wrapped IS NULL OR category <> ALL(one.gone)", "an empty row, so that the key is never made again"
        ),
        ("retention", "erasures"): MayStay("true", "rights_case: that it was done, for 3 years"),
        ("retention", "erasure_holders"): MayStay("true", "rights_case: who answered what, for 3 years"),
        ("retention", "residue_scans"): MayStay("true", "rights_case: what the later scans found, for 3 years"),
        ("retention", "work"): MayStay("true", "steps of the erasure itself, which end with it"),
        ("audit-log", "contents"): MayStay(
            "category <> ALL(one.gone)", "evidence that runs its own clock, sealed under keys that nobody here has"
        ),
        ("notifications", "mails"): MayStay(
            "'communication' <> ALL(one.gone)",
            "R4: communication runs its own clock unless its erasure was asked for",
        ),
        ("notifications", "last_mails"): MayStay(
            "true", "the address, sealed under the key that dies, until the mail has ended; how it did, for 3 years"
        ),
        ("notifications", "work"): MayStay(
            "kind = 'mail' AND 'communication' <> ALL(one.gone)", "it finds the person restricted and ends the mail"
        ),
    }
)
"""By service and table."""


def may_stay(service: str, table: str) -> str:
    """The condition on rows of this table that may stay."""
    found = REMAIN.get((service, table)) or REMAIN.get((EVERY, table))
    return found.rows if found is not None else "false"
