"""An organisation may receive personal data from now on: how it is told of what becomes of it is kept (GDPR Art. 19)."""

from chassis.logs import SafeError
from chassis.reactions import Single
from chassis.transaction import Transaction
from contracts.disclosure import RecipientRegistered

from retention_service import recipients
from retention_service.acknowledge_notice import public_key
from retention_service.settings import RetentionSettings
from retention_service.webhook_address import checked


class BadRecipient(SafeError):
    """It could never be told of anything, or never answer: it is parked, and whoever registered it says it anew."""


def on_recipient_registered(settings: RetentionSettings) -> Single[RecipientRegistered]:
    """The reaction, with where webhooks may lead."""

    async def on_recipient_registered(event: RecipientRegistered, tx: Transaction) -> None:
        if event.webhook is None and event.mail is None:
            raise BadRecipient("a recipient has neither webhook nor mail: nobody could tell it of anything")
        if event.webhook is not None:
            checked(event.webhook, private=settings.webhooks_to_private)
        if event.acknowledgement_key is not None and public_key(event.acknowledgement_key) is None:
            raise BadRecipient("the acknowledgement key is no Ed25519 public key in base64url")
        await recipients.register(tx.connection, event)

    return on_recipient_registered
