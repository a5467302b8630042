"""`python -m benchmarks.interest_search`: how long job alerts wait after a crash or a restore: the search made anew."""

import argparse
import asyncio
import resource
from typing import Final
from uuid import UUID, uuid4

import uvloop
from chassis.clock import SystemClock, monotonic
from chassis.keys import KeyName
from chassis.process import tune_memory
from chassis.records import seal_record
from chassis.service import Service
from chassis.sql import borrow
from chassis.testing.containers import start_postgres
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import open_service
from contracts.personal import Category, Personal, SubjectId
from notifications_service.app import build
from notifications_service.interests import Words
from notifications_service.make_interest_search import PAGE, make_if_missing
from notifications_service.settings import NotificationsSettings

from benchmarks.rig import DirectPostgres

_PART: Final = 5_000


async def measure(interests: int) -> None:
    postgres = await asyncio.to_thread(start_postgres, DirectPostgres)
    try:
        async with (
            KeyringServer() as keyring,
            open_service(
                build,
                NotificationsSettings,
                postgres,
                keyring,
                smtp_url="smtp://127.0.0.1:9",
                mail_from="portal@tillit.example",
                portal_url="https://portal.example",
            ) as service,
        ):
            await fill(service, keyring, interests)
            before, began = peak_mib(), monotonic()
            await make_if_missing(service)
            took = monotonic() - began
            async with borrow(service.database.pool) as connection:
                made = await connection.fetchval("SELECT count(*) FROM interest_search")
            print(f"{made:,} interests of as many people, {PAGE} a page: {took:.1f} s, {made / took:,.0f}/s,")
            print(f"{peak_mib() - before:.0f} MiB more at the peak (the keyring is in this process)")
    finally:
        postgres.stop()


async def fill(service: Service, keyring: KeyringServer, interests: int) -> None:
    """So many people with one interest each, and a search that a crash has emptied."""
    at = SystemClock().now()
    async with borrow(service.database.pool) as connection:
        for start in range(0, interests, _PART):
            rows = [sealed(keyring) for _ in range(min(_PART, interests - start))]
            await connection.executemany(
                "INSERT INTO subjects (subject_id) VALUES ($1)", [(subject,) for _, subject, _ in rows]
            )
            await connection.executemany(
                "INSERT INTO interests (interest_id, subject_id, words, saved_at) VALUES ($1, $2, $3, $4)",
                [(*row, at) for row in rows],
            )
        await connection.execute("DELETE FROM interest_search_made")


def sealed(keyring: KeyringServer) -> tuple[UUID, SubjectId, bytes]:
    subject, interest_id = SubjectId(uuid4()), uuid4()
    keyring.make(subject, [Category.USER_INFORMATION])
    keys = keyring.key_set([KeyName(subject, Category.USER_INFORMATION)])
    words = Words(occupation=Personal("sykepleier med videreutdanning"), place=Personal("Bodø"))
    return interest_id, subject, seal_record(words, keys, subject=subject, record_id=interest_id, schema="interests")


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interests", type=int, default=100_000)
    tune_memory()
    uvloop.run(measure(parser.parse_args().interests))


if __name__ == "__main__":
    main()
