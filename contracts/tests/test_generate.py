"""What is generated is committed, current, complete, and points at files that exist."""

import json
import shutil
from pathlib import Path
from typing import cast

import jsonschema_rs
import pytest
from contracts.asyncapi_documents import SERVICES, senders, service_document
from contracts.event_table import BEGIN, END, with_event_table
from contracts.generate import CURE, FOLDER, generated_files, main, stale_files, write_files
from contracts.registry import EVENTS
from contracts.topics import TOPICS
from contracts.wire_schema import JsonObject, json_object
from pydantic import JsonValue


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the committed contracts folder, without its code."""
    for place in ("schemas", "asyncapi"):
        shutil.copytree(FOLDER / place, tmp_path / place)
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(FOLDER / name, tmp_path / name)
    return tmp_path


def check(folder: Path) -> int:
    return main(["--check", "--folder", str(folder)])


def document(name: str) -> JsonObject:
    return json_object(json.loads((FOLDER / "asyncapi" / f"{name}.json").read_text("utf-8")))


def test_the_committed_files_are_current() -> None:
    assert stale_files(FOLDER) == [], CURE


def test_generating_twice_gives_the_same_bytes() -> None:
    readme = f"{BEGIN}{END}"

    assert generated_files(EVENTS, readme, {}) == generated_files(EVENTS, readme, {})


def test_a_current_folder_passes_the_check_in_silence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(folder) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "path", ["schemas/subject.erased.v1.json", "schemas/envelope.json", "asyncapi/tillit.json", "asyncapi/profile.json"]
)
@pytest.mark.parametrize("gone", [False, True], ids=["changed", "removed"])
def test_a_stale_file_fails_the_check_by_name_with_the_cure(
    folder: Path, capsys: pytest.CaptureFixture[str], path: str, gone: bool
) -> None:
    if gone:
        (folder / path).unlink()
    else:
        (folder / path).write_text("{}\n")

    assert check(folder) == 1
    assert capsys.readouterr().err == f"contracts/{path} is not current: {CURE}\n"
    assert write_files(folder) == [path]
    assert check(folder) == 0


def test_the_schema_of_an_event_that_is_no_more_fails_the_check_and_is_removed(folder: Path) -> None:
    (folder / "schemas" / "profile.renamed.v1.json").write_text("{}\n")

    assert stale_files(folder) == ["schemas/profile.renamed.v1.json"]
    assert write_files(folder) == ["schemas/profile.renamed.v1.json"]
    assert stale_files(folder) == []


def test_a_stale_table_in_the_readme_fails_the_check_and_the_text_around_it_stays(folder: Path) -> None:
    readme = folder / "README.md"
    text = readme.read_text("utf-8")
    readme.write_text(text.replace("`SubjectErased`", "`SubjectForgotten`"), "utf-8")

    assert stale_files(folder) == ["README.md"]
    write_files(folder)
    assert readme.read_text("utf-8") == text


@pytest.mark.parametrize("readme", ["", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"], ids=repr)
def test_a_readme_without_its_markers_is_refused(readme: str) -> None:
    with pytest.raises(ValueError, match=r"README.md must hold"):
        with_event_table(readme, EVENTS)


def test_a_folder_that_is_no_checkout_is_refused_with_the_cure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path) == 2
    assert "--folder" in capsys.readouterr().err


@pytest.mark.parametrize("file", sorted((FOLDER / "schemas").glob("*.json")), ids=lambda file: file.name)
def test_a_committed_schema_is_valid_json_schema_2020_12(file: Path) -> None:
    schema = json.loads(file.read_text("utf-8"))

    jsonschema_rs.meta.validate(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:tillit:schema:{file.stem}"
    assert schema["title"]
    assert schema["description"]


def test_every_personal_field_is_described_inside_its_blob_and_nowhere_else() -> None:
    for event in EVENTS:
        schema = json.loads((FOLDER / "schemas" / f"{event.type}.json").read_text("utf-8"))
        inside = {
            name: category for category, payload in schema.get("x-sealed", {}).items() for name in payload["properties"]
        }
        assert inside == event.personal_fields
        assert not inside.keys() & schema["properties"].keys()


@pytest.mark.parametrize("name", ["tillit", *SERVICES])
def test_every_reference_of_an_asyncapi_document_leads_somewhere(name: str) -> None:
    whole = document(name)

    for reference in references(whole):
        file, _, pointer = reference.partition("#")
        target: JsonValue = whole
        if file:
            assert (FOLDER / "asyncapi" / file).resolve().is_file()
        for step in pointer.split("/")[1:]:
            target = json_object(target)[step]


def references(value: JsonValue) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in references(item)]
    if isinstance(value, dict):
        inner = [found for item in value.values() for found in references(item)]
        return [*inner, cast("str", value["$ref"])] if "$ref" in value else inner
    return []


def test_the_whole_document_has_every_topic_and_every_event_once() -> None:
    whole = document("tillit")
    channels = json_object(whole["channels"])
    carried = [name for channel in channels.values() for name in json_object(json_object(channel)["messages"])]

    assert list(channels) == list(TOPICS)
    assert sorted(carried) == sorted(event.type for event in EVENTS)
    assert list(json_object(json_object(whole["components"])["messages"])) == [event.type for event in EVENTS]


def test_a_service_sends_what_travels_on_the_topics_that_it_owns() -> None:
    assert SERVICES == ("audit-log", "notifications", "profile", "retention")
    for event in EVENTS:
        for service in SERVICES:
            messages = json_object(json_object(document(service)["components"])["messages"])
            if service in senders(event.topic):
                assert event.type in messages


def test_a_service_receives_what_its_subscriptions_say() -> None:
    wanted = {"notifications": frozenset({"position.published.v1"})}
    shown = service_document("notifications", TOPICS.values(), EVENTS, "1.0.0", wanted)

    assert json_object(shown["operations"])["receive-position.v1"] == {
        "action": "receive",
        "channel": {"$ref": "#/channels/position.v1"},
        "messages": [{"$ref": "#/channels/position.v1/messages/position.published.v1"}],
    }


def test_subscriptions_that_the_services_wrote_are_part_of_the_documents(folder: Path) -> None:
    (folder / "asyncapi" / "subscriptions.json").write_text('{"profile": ["subject.erased.v1"]}')

    assert "asyncapi/profile.json" in write_files(folder)
    assert '"receive-erasure.v1"' in (folder / "asyncapi" / "profile.json").read_text("utf-8")


@pytest.mark.parametrize("text", ['{"profile": ["no.such.v1"]}', '{"billing": []}'], ids=["event", "service"])
def test_subscriptions_that_name_nothing_of_ours_are_refused(folder: Path, text: str) -> None:
    (folder / "asyncapi" / "subscriptions.json").write_text(text)

    with pytest.raises(ValueError, match=r"names no service or event of ours: \['(no\.such\.v1|billing)'\]"):
        stale_files(folder)


def test_no_schema_or_document_carries_an_example_of_a_person() -> None:
    """What is generated goes to everybody, and into pictures: it says what a field is, never whose (trap 23)."""
    files = [file for place in ("schemas", "asyncapi") for file in (FOLDER / place).glob("*.json")]
    assert len(files) > len(EVENTS)
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert _keys(json.loads(text)).isdisjoint({"example", "examples"}), file.name
        assert "@" not in text, file.name


def _keys(value: JsonValue) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for part in value.values() for key in _keys(part)}
    if isinstance(value, list):
        return {key for part in value for key in _keys(part)}
    return set()
