"""On a running system an officer places a hold, looks at it again and lifts it, from the command line."""

from datetime import timedelta

from chassis.clock import SystemClock

from tests.promises.system import System

from .terminal import tillit


async def test_an_officer_places_reviews_lists_and_lifts_a_hold(system: System) -> None:
    who = await system.job_seeker()
    await system.settled()
    soon, later = (f"{SystemClock().now() + timedelta(days=days):%Y-%m-%d}" for days in (30, 60))
    subject = str(who.subject_id)
    about = ("--category", "communication", "--reason", "Krever erstatning", "--review-on", soon)

    placed = await tillit(system.info, "hold", "place", subject, *about)
    assert placed.code == 0, placed.err
    assert f"on communication, to be looked at again on {soon}." in placed.out
    hold = placed.out.split(" ")[1]

    listed = await tillit(system.info, "hold", "list", subject)
    assert (listed.code, hold in listed.out, "17(3)(e)" in listed.out) == (0, True, True)
    assert "Krever erstatning" not in listed.out
    reviewed = await tillit(system.info, "hold", "review", hold, "--review-on", later, "--as", "operator")
    assert reviewed.out == f"operator answers for it until {later}.\n"
    assert (await tillit(system.info, "hold", "lift", hold)).out == "Lifted: communication.\n"
    again = await tillit(system.info, "hold", "review", hold, "--review-on", later)
    assert (again.code, "lifted" in again.err) == (1, True)
    assert (await tillit(system.info, "hold", "list", "--overdue")).out == "No holds.\n"

    nothing = await tillit(
        system.info, "hold", "place", subject, "--reason", "for sikkerhets skyld", "--review-on", soon
    )
    assert nothing.code == 1
    assert "Krever" not in again.err + nothing.err
