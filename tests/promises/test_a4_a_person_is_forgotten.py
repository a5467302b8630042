"""The whole demo as a test: the main job on the sample set, one person's erasure, and the proof with its controls."""

from contracts.personal import Category
from local_stack.stack import StackInfo
from rich.console import Console
from tillit_cli.demo_story import DemoStory

from .system import System


async def test_a4_after_a_person_is_forgotten_nothing_that_remains_opens_and_the_proof_could_have_failed(
    stack: StackInfo,
) -> None:
    told = await DemoStory(stack, Console(quiet=True)).tell()
    assert len(told.before.blobs) > 20
    assert sum(len(one.alerts) for one in told.reached) > 40
    assert {answer.holder for answer in told.watched.erasure.holders} == set(stack.services)
    assert [check.what for check in told.after.checks if check.what.startswith("control")]
    assert all(check.holds for check in (*told.before.checks, *told.after.checks))
    assert {part.holder for part in told.receipt.receipt.body.holders} == set(stack.services)
    assert told.after.tried.pairs > len(told.before.blobs)


async def test_a4_everything_that_was_kept_of_a_person_goes_at_their_request(system: System) -> None:
    who = await system.job_seeker()
    await system.settled()
    erasure = await system.erased(who, "everything")
    assert set(erasure.categories) == {"user_information", "communication", "website_usage"}
    assert await system.sealed_in_tables(who) == {"audit_log": {Category.RIGHTS_CASE}}  # that a last mail was asked for
    assert await system.readable_traces(who) == set()
    forgotten_line = system.info.logs / "forgotten.log"
    forgotten_line.write_text(f"sent to {who.person.email}\n")
    assert {hit.where for hit in await system.readable_traces(who)} == {forgotten_line.name}
    forgotten_line.unlink()


async def test_a4_a_deletion_needs_the_password_again(system: System) -> None:
    who = await system.job_seeker()
    body = {"scope": "everything", "password": "et helt annet passord"}
    assert (await system.ask("profile", "POST", "/me/deletion", who.login, {**body})).status_code == 403
    assert (await system.ask("profile", "GET", "/me/deletion", who.login)).status_code == 404
    assert (await system.ask("profile", "GET", "/me", who.login)).status_code == 200
