"""Plants a plain string wherever the canaries' story leaves something: in rows of the tables themselves, in backups made
meanwhile, and in a span that a service could have sent."""

import asyncio
import re
import shutil
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final
from uuid import uuid4

import httpx
from chassis.clock import SystemClock, monotonic
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tillit_cli.backup_files import dump_file
from tillit_cli.proof.byte_search import Hit
from tillit_cli.proof.controls import checkpoint
from tillit_cli.proof.needles import Needle

from tests.integration.trace_receiver import TraceReceiver

from .kept_backups import backed_up
from .system import SECONDS, System


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of nobody. `$1` is a new id, `$2` the time, `$3` what is planted."""

    database: str
    table: str
    insert: str
    key: str


_ROWS: Final[Mapping[str, _Row]] = MappingProxyType(
    {
        "documents": _Row(
            "profile",
            "resumes",
            "INSERT INTO resumes (subject_id, stored_at, resume) VALUES ($1, $2, $3)",
            "subject_id",
        ),
        "parked records": _Row(
            "notifications",
            "parked",
            "INSERT INTO parked (topic, partition, record_offset, event_id, reason, encrypted, parked_at, record)"
            " VALUES ('planted', 0, 0, $1, 'planted', false, $2, $3)",
            "event_id",
        ),
        "mail queue": _Row(
            "notifications",
            "mails",
            "INSERT INTO mails (mail_id, subject_id, kind, state, made_at, ended_at, mail)"
            " VALUES ($1, $1, 'planted', 'dropped', $2, $2, $3)",
            "mail_id",
        ),
        "exports": _Row(
            "retention",
            "exports",
            "INSERT INTO exports (export_id, subject_id, opened_by, opened_at, expires_at, archive, link_sha256)"
            " VALUES ($1, $1, 'planted', $2, 'infinity', $3, sha256($3))",
            "export_id",
        ),
        "content of the audit log": _Row(
            "audit_log",
            "contents",
            "INSERT INTO contents (position, event_id, headers, body, sealed_salt)"
            " SELECT max(position) + 1000000, $1, $3, $3, $3 FROM entries WHERE $2::timestamptz IS NOT NULL",
            "event_id",
        ),
    }
)
"""The tables in which a person's documents, parked records, mails, exports and evidence stand."""

_SPANS: Final = re.compile(r'^\w*spans_total\{outcome="([a-z ]+)"\} (\S+)$', re.MULTILINE)
IN_TABLES: Final = frozenset(f"{row.database}.{row.table}" for row in _ROWS.values())


@dataclass(frozen=True, slots=True)
class Planted:
    """Where the needles lie: what each place is, and how a search names it."""

    places: Mapping[str, tuple[str, str]]

    def missed(self, hits: set[Hit], needles: Sequence[Needle]) -> list[str]:
        """The places in which a search has found none of them."""
        found = {(hit.place, hit.where) for hit in hits if hit.needle in needles}
        return [what for what, place in self.places.items() if place not in found]


@asynccontextmanager
async def planted_everywhere(system: System, traces: TraceReceiver, folder: Path, text: str) -> AsyncGenerator[Planted]:
    """The text lies in each place while this runs, and in backups in `folder`, below the stack's state; it is removed."""
    places: dict[str, tuple[str, str]] = {}
    ids = {what: uuid4() for what in _ROWS}
    try:
        for what, row in _ROWS.items():
            async with system.stored.connected(row.database) as connection:
                await connection.execute("SET session_replication_role = replica")  # a row of nobody refers to nothing
                await connection.execute(row.insert, ids[what], SystemClock().now(), text.encode())
            places[what] = ("rows", f"{row.database}.{row.table}")
        dumps = await asyncio.to_thread(backed_up, system, folder)
        for service in system.info.services:
            places[f"backup of {service}"] = _state(system, dump_file(dumps, service))
        keyring = system.info.kek.with_name("keyring-backups") / "planted"
        keyring.write_text(text, encoding="utf-8")
        places["backup of the keyring"] = _state(system, keyring)
        await _send_span(traces, text)
        places["traces"] = _state(system, traces.file)
        await checkpoint(system.stored)
        yield Planted(places)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for what, row in _ROWS.items():
            async with system.stored.connected(row.database) as connection:
                await connection.execute(f"DELETE FROM {row.table} WHERE {row.key} = $1", ids[what])
        (system.info.kek.with_name("keyring-backups") / "planted").unlink(missing_ok=True)


def _state(system: System, file: Path) -> tuple[str, str]:
    return "rest of the state", str(file.relative_to(system.info.state))


async def _send_span(traces: TraceReceiver, text: str) -> None:
    """As a service sends its spans."""
    message = ExportTraceServiceRequest()
    sent = message.resource_spans.add()
    sent.resource.attributes.add(key="service.name").value.string_value = "planted"
    sent.scope_spans.add().spans.add(name=text)
    async with httpx.AsyncClient(trust_env=False) as http:
        (await http.post(f"{traces.url}/v1/traces", content=message.SerializeToString())).raise_for_status()


async def traced(system: System, traces: TraceReceiver) -> set[tuple[str, str]]:
    """Service and name of every span that arrived, once every service has sent all that it recorded.

    Raises:
        TimeoutError: they have not, or the receiver did not take all.
    """
    deadline = monotonic() + SECONDS
    for service in system.info.services:
        while not _all_sent((await system.ask(service, "GET", "/metrics")).text):
            if monotonic() > deadline:
                raise TimeoutError(f"{service} has not sent all spans that it recorded")
            await asyncio.sleep(0.2)
    return {(span.service, span.name) for span in traces.spans}


def _all_sent(metrics: str) -> bool:
    counted = {outcome: float(count) for outcome, count in _SPANS.findall(metrics)}
    return 0 < counted.get("recorded", 0) == counted.get("sent", 0)
