"""The keys that the keyring still has, read from its own table and unwrapped as the retention service does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from chassis.keys import KeyName
from retention_service import kek
from retention_service.kek import Wrapped
from retention_service.subject_keys import SubjectKey, unwrap

from tillit_cli.proof.stored_rows import StoredRows

DATABASE: Final = "retention"
TABLE: Final = "subject_keys"


async def remaining_keys(stored: StoredRows, kek_folder: Path) -> Mapping[KeyName, bytes]:
    """Every key that is not destroyed, of everybody, the log's own too."""
    keks = kek.load(kek_folder)
    found: dict[KeyName, bytes] = {}
    for row in await stored.rows_of(DATABASE, TABLE, ("subject_id", "category", "wrapped", "kek_epoch")):
        if row["wrapped"] is not None:
            name = KeyName(row["subject_id"], row["category"])
            key = unwrap(keks, SubjectKey(name, Wrapped(row["kek_epoch"], row["wrapped"])))
            if key is not None:
                found[name] = key
    return found
