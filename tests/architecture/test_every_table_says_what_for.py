"""L2: every table that holds personal data says for which purpose, one that is registered for the service and the data."""

import pytest
from chassis.explain import purposes_of
from contracts.purposes import PURPOSES

from .built import built
from .house import SERVICES


@pytest.mark.parametrize("name", SERVICES)
def test_every_table_is_kept_for_a_registered_purpose(name: str) -> None:
    for table in built(name).holder.tables:
        where = f"{name}: {table.table} ({table.category})"
        purposes = purposes_of(name, table)
        assert purposes, f"{where} is kept for no purpose: register one in contracts.purposes, if it is lawful"
        assert table.purposes or len(purposes) == 1, f"{where} could be for {purposes}: say which, as `purposes`"
        wrong = [
            purpose
            for purpose in purposes
            if name not in PURPOSES[purpose].services or table.category not in PURPOSES[purpose].categories
        ]
        assert not wrong, f"{where} is kept for {wrong}, which does not cover it"


@pytest.mark.parametrize("name", SERVICES)
def test_a_clock_runs_from_a_column_of_its_table(name: str) -> None:
    for table in built(name).holder.tables:
        assert table.clock is None or table.clock.column in table.columns, f"{table.table}: {table.clock}"
