"""Anybody fetches the published log as files and proofs, without a token, and can check what they got."""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import AsyncGenerator

import httpx
import pytest
import pytest_asyncio
from audit_log_service.log_key import is_signed
from chassis.records import Record
from chassis.service import Service
from contracts.log_audit import Missing, audit
from contracts.merkle import check_consistency, check_inclusion, leaf_hash
from contracts.notes import check_proof

from .edge import edge_of, signer
from .published import Published
from .rig import Publisher, corrected, somebody, take_in

SIZE = 300


@pytest_asyncio.fixture
async def client(service: Service) -> AsyncGenerator[httpx.AsyncClient]:
    """Somebody whom nobody knows."""
    async with edge_of(service, signer(service, "operator")) as opened:
        yield opened


@pytest_asyncio.fixture
async def records(service: Service, published: Published) -> list[Record]:
    """A published log of so many events, which grew in two steps."""
    publisher, person = Publisher(), somebody()
    made = [publisher.record(corrected(person)) for _ in range(SIZE)]
    for start in (0, 150):
        await take_in(service, made[start : start + 150])
        await published.sequencer(service).take_turn()
    return made


async def test_a_stranger_audits_the_log_by_what_is_served(
    client: httpx.AsyncClient, records: list[Record], published: Published
) -> None:
    files: dict[str, bytes] = {}
    for path in published.paths():
        answer = await client.get(f"/{path}")
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        expected = ("text/plain; charset=utf-8", "max-age=1") if path == "checkpoint" else (OCTETS, "immutable")
        assert answer.headers["Content-Type"] == expected[0]
        assert expected[1] in answer.headers["Cache-Control"]
        files[path] = answer.content

    def read(path: str) -> bytes:
        if path not in files:
            raise Missing(path)
        return files[path]

    assert audit(read, published.key.public, is_signed).checkpoint.size == len(records)


OCTETS = "application/octet-stream"


async def test_before_the_first_checkpoint_nothing_is_served(client: httpx.AsyncClient) -> None:
    for path in (
        "/checkpoint",
        "/tile/0/000.p/1",
        "/log/inclusion?index=0",
        "/log/consistency?first=1",
        "/log/proof/0",
    ):
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        *("0/000.p/7", "0/001", "9/000", "0/000.p/256", "0/x000/000", "entries/001", "entries/000.p/300", "0/0", "x"),
        *("..%2F..%2Flog.pem", "entries/..%2F..%2Fcheckpoint", "0/000%00", "0/000/", "0/%2e%2e/x", ""),
    ],
)
@pytest.mark.usefixtures("records")
async def test_a_tile_that_is_none_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"/tile/{path}")).status_code in (400, 404, 422)


@pytest.mark.parametrize("size", [None, 1, 150, 256, 257, SIZE])
@pytest.mark.usefixtures("records")
async def test_an_inclusion_proof_of_any_size_leads_to_its_root(
    client: httpx.AsyncClient, published: Published, size: int | None
) -> None:
    audited = published.audit()
    for index in {0, (size or SIZE) // 2, (size or SIZE) - 1}:
        query = {"index": index} | ({"size": size} if size is not None else {})
        shown = (await client.get("/log/inclusion", params=query)).json()
        proof, root = [b64decode(step) for step in shown["proof"]], b64decode(shown["root"])
        assert b64decode(shown["leaf_hash"]) == audited.leaves[index]
        check_inclusion(audited.leaves[index], index, shown["size"], proof, root)
        if shown["size"] == SIZE:
            assert root == audited.checkpoint.root


@pytest.mark.parametrize(("first", "second"), [(1, 2), (150, None), (256, 300), (255, 256), (300, 300), (1, 300)])
@pytest.mark.usefixtures("records")
async def test_a_consistency_proof_leads_from_one_root_to_the_other(
    client: httpx.AsyncClient, first: int, second: int | None
) -> None:
    query = {"first": first} | ({"second": second} if second is not None else {})
    shown = (await client.get("/log/consistency", params=query)).json()
    proof = [b64decode(step) for step in shown["proof"]]
    roots = b64decode(shown["first_root"]), b64decode(shown["second_root"])
    check_consistency(first, shown["second"], proof, *roots)


@pytest.mark.usefixtures("records")
async def test_a_proof_of_one_entry_is_checked_offline(client: httpx.AsyncClient, published: Published) -> None:
    leaves = published.leaves()
    for index in (0, 255, SIZE - 1):
        answer = await client.get(f"/log/proof/{index}")
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        leaf = leaf_hash(leaves[index].to_bytes())
        assert check_proof(answer.content, leaf, published.key.public, is_signed) == published.checkpoint()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/log/inclusion?index=300", 422),
        ("/log/inclusion?index=0&size=301", 422),
        ("/log/inclusion?index=5&size=5", 422),
        ("/log/inclusion?index=-1", 422),
        ("/log/inclusion?index=9223372036854775808", 422),
        ("/log/inclusion", 422),
        ("/log/consistency?first=0", 422),
        ("/log/consistency?first=5&second=4", 422),
        ("/log/consistency?first=301", 422),
        ("/log/proof/300", 404),
        ("/log/proof/x", 422),
        ("/log/place?commitment=%%%%", 422),
        ("/log/place?commitment=AAAA", 404),
    ],
)
@pytest.mark.usefixtures("records")
async def test_a_proof_of_what_is_not_there_is_refused(client: httpx.AsyncClient, path: str, status: int) -> None:
    assert (await client.get(path)).status_code == status


async def test_who_holds_a_commitment_finds_its_place(
    client: httpx.AsyncClient, records: list[Record], service: Service
) -> None:
    asked = {"commitment": dict(records[42].headers)["ce_commitment"].decode()}
    assert (await client.get("/log/place", params=asked)).json() == {"index": 42, "published": True}
    waiting = Publisher().record(corrected(somebody()))._replace(offset=10_000)
    await take_in(service, [waiting])
    asked = {"commitment": urlsafe_b64encode(b"\x01" * 32).decode()}
    assert (await client.get("/log/place", params=asked)).status_code == 404


async def test_an_operator_reads_the_rows_in_the_trees_order(
    service: Service, records: list[Record], published: Published
) -> None:
    operator = signer(service, "operator")
    found: list[bytes] = []
    async with edge_of(service, operator) as client:
        headers = {"Authorization": f"Bearer {operator.internal('audit-log')}"}
        query: dict[str, str] = {"limit": "90"}
        while True:
            page = (await client.get("/log/rows", params=query, headers=headers)).json()
            found += [leaf_hash(b64decode(row["leaf"])) for row in page["items"]]
            assert all(row["entry"]["type"] == "profile.corrected.v1" for row in page["items"])
            if page["next"] is None:
                break
            query["cursor"] = page["next"]
        assert (await client.get("/log/rows")).status_code == 401
    assert found == published.audit().leaves
    assert len(found) == len(records)
