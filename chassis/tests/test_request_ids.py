"""A caller's request id is used when it can only be an id; it is printed in logs."""

import pytest
from chassis.request_ids import accepted


@pytest.mark.parametrize(
    "value",
    [
        "01a20ed9-6e45-7809-a06a-9eff82aeae59",
        "01A20ED9-6E45-7809-A06A-9EFF82AEAE59",
        "0af7651916cd43dd8448eb211c80319c",
        "b7ad6b7169203331",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    ],
)
def test_a_uuid_a_hex_id_and_a_ulid_are_accepted(value: str) -> None:
    assert accepted(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "kari.nordmann@example.no",
        "kari-nordmann",
        "+4799887766",
        "99887766",
        "01017012345",
        "b7ad6b7169203331\r\nSet-Cookie: a=b",
        "b7ad6b7169203331\n",
        "٠af7651916cd43dd8448eb211c80319c",
        "a" * 65,
        "${jndi:ldap://x}",
    ],
)
def test_what_could_be_about_a_person_or_break_a_line_is_not(value: str) -> None:
    assert not accepted(value)
