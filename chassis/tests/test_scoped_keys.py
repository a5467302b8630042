"""Names of keys are read in one place: whole categories, and single things by their scope and id."""

from uuid import UUID

import pytest
from chassis.scoped_keys import LOG_CATEGORY, BadKeyName, Scope, is_single, scope_of, single
from contracts.personal import Category

THING = UUID("0197f1a2-0000-7000-8000-00000000abcd")
NO_NAMES = {
    "nothing": "",
    "an unknown word": "salary",
    "an unknown scope": f"salary:{THING}",
    "a category that has no single things": f"user_information:{THING}",
    "no id": "hold:",
    "a bare scope": "hold",
    "an id in capitals": f"hold:{str(THING).upper()}",
    "an id in braces": f"hold:{{{THING}}}",
    "an id with more behind it": f"hold:{THING}\n",
    "two ids": f"hold:{THING}:{THING}",
}


@pytest.mark.parametrize("name", [*Category, LOG_CATEGORY])
def test_a_category_is_its_own_scope_and_no_single_thing(name: str) -> None:
    assert scope_of(name) == name
    assert not is_single(name)


@pytest.mark.parametrize("scope", Scope)
def test_the_key_of_a_single_thing_is_counted_by_its_scope(scope: Scope) -> None:
    name = single(scope, THING)
    assert scope_of(name) == scope
    assert is_single(name)


@pytest.mark.parametrize("name", NO_NAMES.values(), ids=NO_NAMES)
def test_what_names_no_key_is_refused_and_not_quoted(name: str) -> None:
    with pytest.raises(BadKeyName) as refused:
        scope_of(name)
    assert not is_single(name)
    assert str(THING) not in str(refused.value)
