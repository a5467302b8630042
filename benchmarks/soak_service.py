"""The service that is soaked, as a process of its own: takes in, stores sealed, and publishes once for every event."""

from collections.abc import Sequence

from chassis.process import run
from chassis.reactions import Received
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.transaction import Transaction
from contracts.personal import Category
from contracts.profile import JobInterestSaved
from contracts.purposes import PurposeId

from benchmarks.rig import HOLDER, MIGRATIONS, message, store_many


async def store_and_tell(events: Sequence[Received[JobInterestSaved]], tx: Transaction) -> None:
    """One statement for all, one event for each."""
    await store_many(events, tx)
    for received in events:
        tx.publish(message(received.event, tx), received.cause)


def build(settings: ServiceSettings) -> Service:
    categories = frozenset({Category.USER_INFORMATION, Category.COMMUNICATION})
    service = Service("notifications", settings, holder=HOLDER, key_categories=categories, migrations=MIGRATIONS)
    service.store_batch(JobInterestSaved, store_and_tell, purpose=PurposeId.P4)
    return service


if __name__ == "__main__":
    run(build, ServiceSettings)
