"""A personal value leaves through `reveal()` and through nothing else."""

import copy
import io
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from contracts.personal import ERASED, Category, Personal, PersonalRecord, SubjectId, UserInformation
from contracts.profile import JobInterestSaved
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

SECRET = "kari.nordmann@example.org"
PLACE: Personal[str | None, UserInformation] = Personal("Bodø")


class Contact(PersonalRecord):
    email: Personal[str, UserInformation]


def email() -> Personal[str, UserInformation]:
    return Personal(SECRET)


def saved() -> JobInterestSaved:
    return JobInterestSaved(
        subject_id=SubjectId(uuid4()),
        interest_id=uuid4(),
        saved_at=datetime(2026, 3, 1, tzinfo=UTC),
        occupation=email(),
        place=PLACE,
    )


PRINTED: dict[str, Callable[[object], str]] = {
    "str": str,
    "repr": repr,
    "f-string": lambda value: f"{value}",
    "f-string with repr": lambda value: f"{value!r}",
    "f-string with ascii": lambda value: f"{value!a}",
    "format": "{}".format,
    "percent": lambda value: "%s %r" % (value, value),  # noqa: UP031
    "inside a list": lambda value: f"{[value]} { ({'email': value}) }",
}


@pytest.mark.parametrize("way", PRINTED)
def test_a_personal_value_is_masked_when_it_is_printed(way: str) -> None:
    assert SECRET not in PRINTED[way](email())
    assert "Personal(…)" in PRINTED[way](email()) or way == "f-string with ascii"


def test_a_format_specification_does_not_reach_the_value() -> None:
    assert f"{email():>40}" == "Personal(…)"


@pytest.mark.parametrize("way", PRINTED)
@pytest.mark.parametrize("make", [saved, lambda: Contact(email=email())], ids=["event", "record"])
def test_an_event_or_record_is_printed_without_its_personal_values(make: Callable[[], BaseModel], way: str) -> None:
    assert SECRET not in PRINTED[way](make())


def test_a_log_line_holds_the_mask() -> None:
    written = io.StringIO()
    logger = logging.getLogger("test-personal")
    logger.addHandler(logging.StreamHandler(written))
    logger.error("%s %r %s", email(), email(), saved())

    assert SECRET not in written.getvalue()
    assert "Personal(…)" in written.getvalue()


def test_a_traceback_of_a_failure_on_the_value_holds_the_mask() -> None:
    with pytest.raises(AttributeError) as failed:
        email().upper()  # type: ignore[attr-defined]  # pyright: ignore

    assert SECRET not in "".join(traceback.format_exception(failed.value))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_personal_value_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(email(), protocol)


def test_an_event_with_personal_values_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(saved())


def test_a_personal_value_is_not_copied_out_of_its_event() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        copy.deepcopy(email())


DUMPED: dict[str, Callable[[BaseModel], object]] = {
    "model_dump": lambda model: model.model_dump(),
    "model_dump to JSON": lambda model: model.model_dump(mode="json"),
    "model_dump_json": lambda model: model.model_dump_json(),
    "part of model_dump": lambda model: model.model_dump(include={"email", "occupation"}),
}


@pytest.mark.parametrize("way", DUMPED)
@pytest.mark.parametrize("make", [saved, lambda: Contact(email=email())], ids=["event", "record"])
def test_a_dump_in_the_clear_is_refused_with_the_cure(make: Callable[[], BaseModel], way: str) -> None:
    with pytest.raises((TypeError, PydanticSerializationError), match="seal them") as refused:
        DUMPED[way](make())
    assert SECRET not in "".join(traceback.format_exception(refused.value))


def test_json_does_not_know_a_personal_value() -> None:
    with pytest.raises(TypeError):
        json.dumps({"email": email()})


def test_a_personal_value_has_no_attributes_to_look_through() -> None:
    with pytest.raises(TypeError):
        vars(email())
    with pytest.raises(AttributeError):
        email().other = SECRET  # type: ignore[attr-defined]  # pyright: ignore


@pytest.mark.parametrize("value", [12, ["Kari", SECRET], {SECRET: SECRET}], ids=["number", "list", "object"])
def test_a_value_of_the_wrong_type_is_refused_without_repeating_it(value: Any) -> None:
    with pytest.raises(ValueError, match="email") as refused:
        Contact(email=value)
    assert SECRET not in str(refused.value) + repr(refused.value)


def test_reveal_gives_the_value_and_an_erased_one_reads_as_erased() -> None:
    gone = Personal[str, UserInformation](ERASED)

    assert email().reveal() == SECRET
    assert not email().erased
    assert gone.reveal() is ERASED
    assert gone.erased
    assert str(gone) == "Personal(erased)"


def test_personal_values_are_equal_and_hash_by_value() -> None:
    assert email() == email()
    assert hash(email()) == hash(email())
    assert email() != Personal("other@example.org")
    assert email() != SECRET


def test_the_categories_are_those_of_the_promises_d1_to_d7() -> None:
    assert set(Category) == {"user_information", "communication", "website_usage", "rights_case", "application"}
