"""Where a world in which a person lived and was erased may differ from one in which they never were: a reviewed list."""

from types import MappingProxyType
from typing import Final

_TOMBSTONE: Final = "the tombstone: a random id, so that nothing late brings the person back"
_INBOX: Final = "ids of events that were taken in, kept 90 days; they say nothing of anybody"
_LOG: Final = "the log only grows: that something happened, in which hour, never to whom"
_PROOF: Final = "D5: proof that the erasure happened and how it was handled; a random id, and counts"

MORE_ROWS: Final = MappingProxyType(
    {
        "profile.subjects": _TOMBSTONE,
        "notifications.subjects": _TOMBSTONE,
        "audit_log.subjects": _TOMBSTONE,
        "retention.subjects": _TOMBSTONE,
        "profile.inbox": _INBOX,
        "notifications.inbox": _INBOX,
        "audit_log.inbox": _INBOX,
        "retention.inbox": _INBOX,
        **{
            f"{database}.known_holds": "a lifted hold stays known for a while, so that nothing late is held under it"
            for database in ("profile", "notifications", "audit_log", "retention")
        },
        "audit_log.entries": _LOG,
        "audit_log.leaves": _LOG,
        "audit_log.contents": _PROOF,
        "notifications.last_mails": _PROOF,
        "retention.erasures": _PROOF,
        "retention.holds": "D5: that something was held, and was let go; the reason sealed with the case",
        "retention.exports": "D5: that a copy was put aside and fetched; its archive, link and key are gone",
        "retention.erasure_holders": _PROOF,
        "retention.receipts": "the receipt, under a random number: counts and proofs, and nobody's id",
        "retention.fences": "offsets of topics that an erasure waited for",
        "retention.subject_keys": "emptied rows of destroyed keys, so that they are never made again",
        "retention.work": "the looks for residue that are to come",
    }
)
"""Tables that may hold more rows, and must hold all that the other world has."""

NOT_COMPARED: Final = MappingProxyType(
    {
        "offsets": "how far each partition is: which ones are used follows from random ids",
        "sightings": "what workers saw last: ends of partitions, and when",
    }
)
"""Tables of every service that tell nothing of any person, and differ between any two runs."""

ANY_VALUE: Final = MappingProxyType(
    {
        "entries.position": "a place in the log",
        "entries.partition": "chosen by random ids",
        "entries.record_offset": "a place in a partition",
        "contents.position": "a place in the log",
        "leaves.index": "a place in the tree",
        "leaves.position": "a place in the log",
        "work.id": "a place in a queue",
        "work.lease": "somebody's, while an item is in hand",
        "work.attempts": "one while an item is in hand, which recurring ones are at any moment",
        "ledger_state.applied": "how long the ledger of destroyed keys is",
    }
)
"""Columns whose values are places, or of the moment, by `table.column`."""
