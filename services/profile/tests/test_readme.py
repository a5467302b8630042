"""The README tells which events come in and go out, and a newcomer can rely on it."""

from pathlib import Path

from chassis.service import Service
from contracts.registry import EVENT_BY_TYPE

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
ROWS = [line for line in README.splitlines() if line[:1] == "|"]


async def test_the_readme_names_every_event_and_its_reaction(service: Service) -> None:
    for reaction in service.reactions.values():
        rows = [row for row in ROWS if f"`{reaction.event.__name__}`" in row.split("|")[1]]
        assert any(f"`{reaction.name}`" in row or "by the chassis" in row for row in rows), reaction.name


def test_the_readme_names_every_event_that_the_service_owns() -> None:
    owned = [event.__name__ for event in EVENT_BY_TYPE.values() if event.topic.owner == "profile"]
    assert [name for name in owned if not any(f"`{name}`" in row.split("|")[1] for row in ROWS)] == []
