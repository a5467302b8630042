import ipaddress
import secrets

import psutil
from contracts.topics import USAGE
from local_stack.stack import Stack
from tillit_cli.proof.byte_search import Searcher
from tillit_cli.proof.kafka_records import every_record
from tillit_cli.proof.needles import needles_of
from tillit_cli.proof.residue import ResidueProof

from .system import System


async def test_s5_who_used_the_portal_from_where_and_with_what_is_kept_nowhere(system: System) -> None:
    device, address = f"Device-{secrets.token_hex(12)}", "203.0.113.177"
    who = await system.job_seeker()
    headers = {"User-Agent": device, "X-Forwarded-For": address, "Forwarded": f"for={address}", "Referer": device}
    for _ in range(20):
        assert (await system.ask("profile", "GET", "/me", who.login, None, headers)).status_code == 200
        assert (await system.ask("profile", "GET", f"/positions?cursor={device}", None, None, headers)).is_error
    await system.settled()
    needles = needles_of({"device": [device], "address": [address]})
    searcher = Searcher(needles)
    hits = (await system.stored.search(searcher)).hits
    for place in ResidueProof(system.info, who.subject_id, needles).places():
        hits |= searcher.search_place(place).hits
    assert hits == set()
    assert [record async for record in every_record(system.info.kafka_bootstrap, {USAGE.name})] == []


async def test_s5_no_process_of_the_system_talks_to_anything_outside(system: System) -> None:
    status = Stack(system.info.state).status()
    assert status is not None
    await system.job_seeker()
    seen = 0
    for process in status.processes:
        for connection in psutil.Process(process.pid).net_connections("inet"):
            if connection.raddr:
                seen += 1
                # Java shows an IPv4 address as an IPv6 one
                remote = ipaddress.ip_address(connection.raddr.ip.removeprefix("::ffff:"))
                assert remote.is_loopback, f"{process.name} talks to another machine"
    assert seen > len(status.processes)
