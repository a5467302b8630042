"""A4: what is left of a person who lived with us and was erased is what would be there if they had never been.

The same story is told twice, in two new systems; only in one of them a person lives, with everything that can be told.
"""

from collections import Counter

from .canaries import Canaries
from .twin_exemptions import MORE_ROWS
from .twin_worlds import Row, all_rows, differences, story, unused, world


async def test_a4_the_rows_of_two_worlds_agree_but_for_a_reviewed_list() -> None:
    async with world() as system:
        without = await story(system, None)
    async with world() as system:
        lived = await story(system, Canaries())
        async with system.stored.connected("notifications") as connection:
            await connection.execute(
                "INSERT INTO positions (position_id, title, employer_name, place, compared_occupation, compared_place,"
                " published_at) SELECT gen_random_uuid(), title, employer_name, 'planted', compared_occupation,"
                " compared_place, published_at FROM positions LIMIT 1"
            )
        planted = await all_rows(system.stored)
    assert differences(without, lived, more=MORE_ROWS) == []
    assert unused(without, lived, more=MORE_ROWS) == []
    assert without["profile.profiles"].total() == 2  # the bystander, and the employer's user: it did compare something
    assert without["notifications.mails"].total() == 2
    [found] = differences(lived, planted, more={})
    assert found.startswith("notifications.positions has 1 rows more")


def test_a4_a_row_that_is_missing_or_too_many_is_a_difference() -> None:
    row: Row = (("name", "Vitne"),)
    other: Row = (("name", "Kari"),)
    same = {"profile.profiles": Counter[Row]([row])}
    assert differences(same, {"profile.profiles": Counter[Row]([row])}, more={}) == []
    [more] = differences(same, {"profile.profiles": Counter[Row]([row, other])}, more={})
    [fewer] = differences(same, {"profile.profiles": Counter[Row]()}, more=MORE_ROWS)
    [gone] = differences(same, {}, more=MORE_ROWS)
    assert "1 rows more" in more
    assert "lacks 1 rows" in fewer
    assert "in one world only" in gone
