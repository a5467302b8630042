"""What a hold may cover a service can open and seal again: an erasure with a hold that it can't would wait for ever."""

import pytest
from chassis.personal_tables import PersonalTable
from chassis.scoped_keys import Scope
from retention_service.key_access import KEY_ACCESS

from .built import built
from .house import SERVICES


def _holdable(name: str) -> list[PersonalTable]:
    return [table for table in built(name).holder.tables if table.holdable]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_read_the_keys_of_what_a_hold_can_cover(name: str) -> None:
    tables = _holdable(name)
    may_read = KEY_ACCESS[name].read
    closed = [table.table for table in tables if table.sealed and table.category not in may_read]
    assert not closed, f"{name} can't open {closed}: say holdable=False, with whose copy is held instead"
    assert not tables or Scope.HOLD in may_read, f"{name} may not read the keys of holds: see key_access"


@pytest.mark.parametrize("name", SERVICES)
def test_a_hold_names_single_records_by_a_declared_column(name: str) -> None:
    unknown = [table.table for table in _holdable(name) if table.record_column not in table.columns]
    assert not unknown, f"{name} declares no column by which a hold names a record of {unknown}"
