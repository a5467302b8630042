"""An operator reads the log and what is sealed in it; nobody else does."""

from base64 import b64decode
from uuid import uuid4

from chassis.service import Service
from chassis.tokens import Role

from .edge import edge_of, signer
from .rig import Publisher, corrected, interest, somebody, take_in, to_be_erased


async def test_an_operator_reads_every_entry_in_order_page_by_page(service: Service) -> None:
    publisher, person = Publisher(), somebody()
    records = [publisher.record(kind(person)) for _ in range(4) for kind in (corrected, interest)]
    await take_in(service, records)
    operator = signer(service, "operator")
    offsets: list[int] = []
    async with edge_of(service, operator) as client:
        headers = {"Authorization": f"Bearer {operator.internal('audit-log')}"}
        query: dict[str, str] = {"limit": "3"}
        while True:
            page = (await client.get("/entries", params=query, headers=headers)).json()
            offsets += [entry["offset"] for entry in page["items"]]
            assert str(person) not in str(page)
            if page["next"] is None:
                break
            query["cursor"] = page["next"]
    assert offsets == [record.offset for record in records]


async def test_an_operator_reads_what_was_said_sealed_as_it_came(service: Service) -> None:
    publisher, person = Publisher(), somebody()
    record = publisher.record(corrected(person))
    await take_in(service, [record])
    operator = signer(service, "operator")
    async with edge_of(service, operator) as client:
        headers = {"Authorization": f"Bearer {operator.internal('audit-log')}"}
        [entry] = (await client.get("/entries", headers=headers)).json()["items"]
        content = (await client.get(f"/entries/{entry['position']}/content", headers=headers)).json()
        assert b64decode(content["body"]) == record.value
        assert content["subject_ids"] == [str(person)]
        assert {header["name"]: header["value"].encode() for header in content["headers"]} == dict(record.headers)
        await take_in(service, [publisher.record(to_be_erased(person))])
        assert (await client.get(f"/entries/{entry['position']}/content", headers=headers)).status_code == 404
        assert len((await client.get("/entries", headers=headers)).json()["items"]) == 2


async def test_what_was_never_stored_is_not_found(service: Service) -> None:
    operator = signer(service, "operator")
    headers = {"Authorization": f"Bearer {operator.internal('audit-log')}"}
    async with edge_of(service, operator) as client:
        for position, status in {"1": 404, str(2**63 - 1): 404, str(2**63): 422, "0": 422, "x": 422}.items():
            assert (await client.get(f"/entries/{position}/content", headers=headers)).status_code == status


async def test_nobody_but_an_operator_reads_the_log(service: Service) -> None:
    profile = signer(service, "profile")
    person = signer(service, "login").login("profile", uuid4(), Role("job_seeker"))
    async with edge_of(service, profile) as client:
        for path in ("/entries", "/entries/1/content"):
            assert (await client.get(path)).status_code == 401
            for token, status in {profile.internal("audit-log"): 403, person: 401}.items():
                assert (await client.get(path, headers={"Authorization": f"Bearer {token}"})).status_code == status
