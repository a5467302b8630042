"""The table `recipients`: organisations that may receive personal data, and how each is told what becomes of it."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from chassis.sql import Connection
from contracts.disclosure import RecipientKind, RecipientRegistered


@dataclass(frozen=True, slots=True)
class Recipient:
    """One row. `mail` is used where there is no `webhook`."""

    recipient_id: UUID
    name: str
    kind: RecipientKind
    webhook: str | None
    mail: str | None
    acknowledgement_key: str | None


async def register(connection: Connection, event: RecipientRegistered) -> None:
    """Keep what it said last of itself."""
    await connection.execute(
        "INSERT INTO recipients (recipient_id, name, kind, webhook, mail, acknowledgement_key, registered_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (recipient_id) DO UPDATE SET name = excluded.name,"
        " kind = excluded.kind, webhook = excluded.webhook, mail = excluded.mail,"
        " acknowledgement_key = excluded.acknowledgement_key, registered_at = excluded.registered_at",
        event.recipient_id,
        event.name,
        event.kind,
        event.webhook,
        event.mail,
        event.acknowledgement_key,
        event.registered_at,
    )


async def find(connection: Connection, recipient_ids: Collection[UUID]) -> dict[UUID, Recipient]:
    """Those of them that have registered."""
    rows = await connection.fetch(
        "SELECT recipient_id, name, kind, webhook, mail, acknowledgement_key FROM recipients"
        " WHERE recipient_id = ANY($1::uuid[])",
        list(recipient_ids),
    )
    return {
        row["recipient_id"]: Recipient(
            row["recipient_id"],
            row["name"],
            RecipientKind(row["kind"]),
            row["webhook"],
            row["mail"],
            row["acknowledgement_key"],
        )
        for row in rows
    }
