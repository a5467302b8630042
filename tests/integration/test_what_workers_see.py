"""What only a worker can see reaches whoever asks the service, and a broker that is away is seen by who only consumes."""

import httpx
from chassis.admin_answers import ServiceStatus
from chassis.clock import SystemClock
from chassis.service import Service
from chassis.testing.services import running, surroundings
from contracts.topics import PROFILE

from tests.integration.reader import arrivals
from tests.integration.town import Town, eventually
from tests.integration.writer import say


async def status(service: Service) -> ServiceStatus:
    """As an operator asks this process for it."""
    token = surroundings(service).identities.signer("operator", service.clock).internal(service.name)
    url = f"http://127.0.0.1:{service.settings.http_port}"
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
        return ServiceStatus.model_validate_json((await client.get("/admin/status")).content)


async def contact_age(service: Service) -> float:
    return service.metrics.registry.get_sample_value("tillit_broker_contact_age_seconds") or 0.0


async def test_the_lag_that_a_worker_sees_is_told_by_a_process_that_only_serves_http(town: Town) -> None:
    subject, topic = town.person(), town.prefix + PROFILE.name
    asked = town.another_reader()
    async with running(town.writer), running(town.reader, "worker"), running(asked, "api"):
        await say(town.writer.database, subject)
        await eventually("the first", lambda: arrivals(town.reader, subject), lambda found: found == [1])
        town.behaviour.waits = True
        await say(town.writer.database, subject)
        await eventually("the lag", lambda: status(asked), lambda told: told.lag.get(topic) == 1)
        town.behaviour.go_on.set()
        told = await eventually("no lag", lambda: status(asked), lambda told: told.lag.get(topic) == 0)
        assert told.worker_at is not None
        sent = await eventually("the relay", lambda: status(town.writer), lambda told: told.relay_at is not None)
        assert sent.outbox_rows == 0


async def test_a_broker_that_is_away_is_seen_in_a_service_that_only_consumes(town: Town) -> None:
    async with running(town.reader):
        await eventually("a first contact", lambda: status(town.reader), lambda told: told.broker_at is not None)
        assert await contact_age(town.reader) < 8
        async with town.kafka.paused():
            await eventually("its silence", lambda: contact_age(town.reader), lambda seconds: seconds > 8)
            told = await status(town.reader)
            assert told.broker_at is not None
            assert (SystemClock().now() - told.broker_at).total_seconds() > 8
        await eventually("contact again", lambda: contact_age(town.reader), lambda seconds: seconds < 5)
