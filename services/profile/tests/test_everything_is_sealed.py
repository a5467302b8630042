"""No table of the service holds a person's words in the clear."""

from pydantic import JsonValue

from .portal import PASSWORD, Portal
from .rig import everything_stored, stands_in

TOLD: dict[str, JsonValue] = {
    "name": "Ingrid Fjellvang Tveit",
    "email": "ingrid.fjellvang@post.no",
    "phone": "+4798765432",
    "home_address": {"street": "Granstubben 77", "postal_code": "9601", "city": "Hammerfest"},
    "date_of_birth": "1979-11-23",
    "resume": {"work": [{"name": "Kvalfjord verft", "summary": "Sveiset skrog i åtte år"}]},
}
SECRETS = [
    "Fjellvang", "ingrid.fjellvang", "98765432", "Granstubben", "Hammerfest", "1979-11-23", "Kvalfjord", "åtte år",
    PASSWORD, "argon2id", "hvalfanger", "grytviken",
]  # fmt: skip


async def test_the_raw_bytes_of_every_table_hold_nothing_a_person_told(portal: Portal) -> None:
    ingrid = await portal.job_seeker(**TOLD)
    await portal.http.post(
        "/me/job-interests", json={"occupation": "Hvalfanger", "place": "Grytviken"}, headers=ingrid.headers
    )
    correction = {"name": TOLD["name"], "email": TOLD["email"], "home_address": TOLD["home_address"]}
    corrected = await portal.http.put("/me/profile", json=correction, headers=ingrid.headers)
    assert corrected.status_code == 204
    await portal.employer(name="Ingrid Fjellvang Tveit", phone="98765432")
    await portal.ask_deletion(ingrid, "everything")
    stored = await everything_stored(portal.service)
    assert [secret for secret in SECRETS if stands_in(stored, secret)] == []


async def test_the_search_finds_what_stands_in_the_clear(portal: Portal) -> None:
    """The control: without it, a search that finds nothing proves nothing."""
    await portal.employer()
    stored = await everything_stored(portal.service)
    assert stands_in(stored, "Fjell sykehus")
    assert not stands_in(stored, "Kvalfjord")
    assert stands_in(stored + b"Kvalfjord".hex(), "Kvalfjord")
