"""The real process, on a real broker: a record on a topic becomes one mail in somebody's inbox."""

from chassis.testing.containers import Kafka, Postgres
from chassis.testing.keyring import KeyringServer

from .at_work import at_work, becomes
from .rig import EVERYTHING, Person, count, position, published, states
from .smtp_server import Catcher


async def test_a_published_position_becomes_one_mail(
    postgres: Postgres, kafka: Kafka, topic_prefix: str, keyring: KeyringServer, catcher: Catcher
) -> None:
    person = Person()
    keyring.make(person.subject_id, EVERYTHING)
    async with at_work(postgres, kafka, topic_prefix, keyring, catcher) as (service, say):
        for event, arrived in (
            (person.registered(), lambda: count(service, "contacts")),
            (person.wants(), lambda: count(service, "interests")),
            (position(), lambda: count(service, "positions")),
        ):
            await say(event, times=2)  # its publisher's relay was not sure
            await becomes(1, arrived)
        await becomes([("sent", None)], lambda: states(service))
        await becomes([], lambda: published(service))  # the relay took what was said of it
        assert await states(service) == [("sent", None)]
    assert catcher.recipients == [person.email]
