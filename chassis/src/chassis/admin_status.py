"""One service at a glance: its tables, what its workers saw last, and whether the keyring answers it now."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from chassis import offsets, outbox, parked, recoveries, sightings, work
from chassis.admin_answers import KeyringSeen, ServiceStatus
from chassis.service import Service
from chassis.sightings import Sighting, What
from chassis.sql import borrow


async def status_of(service: Service) -> ServiceStatus:
    """What an operator asks first. The keyring is asked before, not while, a connection is held."""
    reachable = await service.keys.reachable()
    async with borrow(service.database.pool) as connection:
        depth = await outbox.depth(connection)
        seen = await sightings.all_of(connection)
        stand = {f"{topic}/{partition}": n for (topic, partition), n in (await offsets.all_of(connection)).items()}
        recovery = await recoveries.open_one(connection)
        waiting, to_do = await parked.count(connection), await work.depth(connection)
    last = {sighting.what: sighting for sighting in seen if sighting.what is not What.END}
    keyring = last.get(What.KEYRING)
    return ServiceStatus(
        service=service.name,
        at=service.clock.now(),
        outbox_rows=depth.rows,
        outbox_refused=depth.refused,
        outbox_oldest=depth.oldest,
        parked=waiting,
        work=to_do,
        offsets=stand,
        lag=_lag(seen, stand),
        keyring=KeyringSeen(
            reachable=reachable,
            answered_at=_latest(service.keys.answered_at, _at(keyring)),
            keys_cached=max(service.keys.cached, keyring.value or 0 if keyring is not None else 0),
        ),
        recovering=recovery.stage if recovery is not None else None,
        relay_at=_at(last.get(What.RELAY)),
        broker_at=_at(last.get(What.BROKER)),
        worker_at=_at(last.get(What.WORKER)),
    )


def _lag(seen: Iterable[Sighting], stand: Mapping[str, int]) -> dict[str, int]:
    """By topic, how far the database is behind the ends that workers saw."""
    lag: defaultdict[str, int] = defaultdict(int)
    for sighting in seen:
        if sighting.what is What.END and sighting.value is not None:
            lag[sighting.place.rpartition("/")[0]] += max(sighting.value - stand.get(sighting.place, 0), 0)
    return dict(lag)


def _at(sighting: Sighting | None) -> datetime | None:
    return sighting.seen_at if sighting is not None else None


def _latest(*times: datetime | None) -> datetime | None:
    return max((time for time in times if time is not None), default=None)
