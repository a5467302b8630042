"""What one process needs to use keys at all: the key-encryption keys, the ledger of destroyed keys, and the custody."""

from dataclasses import dataclass
from pathlib import Path

from chassis.database import Database
from chassis.sql import borrow

from retention_service import subject_keys
from retention_service.custody import Custody
from retention_service.destroyed_ledger import DestroyedLedger
from retention_service.destruction import Destruction
from retention_service.kek_store import KekStore
from retention_service.settings import RetentionSettings


@dataclass(frozen=True, slots=True)
class Keyring:
    """Made at build; reads nothing before it is used."""

    store: KekStore
    destruction: Destruction
    custody: Custody | None
    backups: Path

    @classmethod
    def told_by(cls, settings: RetentionSettings) -> "Keyring":
        places = settings.custody_places
        return cls(
            KekStore(settings.kek_dir),
            Destruction(DestroyedLedger(settings.kek_dir)),
            Custody(places) if places else None,
            settings.backup_dir,
        )

    async def ready(self, database: Database) -> bool:
        """Whether keys may be used: none that rows name is lost, and the ledger is taken in.

        Raises:
            BadKeks, BadLedger: with the cure.
        """
        async with borrow(database.pool) as connection:
            in_use = await subject_keys.epochs_in_use(connection)
        self.store.knowing(in_use)
        if (await self.destruction.settled(database)).pending:
            await self.destruction.settle(database)
        return True
