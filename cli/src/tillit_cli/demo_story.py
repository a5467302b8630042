"""What the demo tells, step by step; each step checks what it tells, and any deviation ends the demo as failed."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from chassis.clock import SystemClock, monotonic
from contracts.receipt_files import BadReceipt, CheckedReceipt
from local_stack.stack import StackInfo
from rich.console import Console
from rich.live import Live
from rich.table import Table

from tillit_cli import samples
from tillit_cli.caught_mail import MailCatcher
from tillit_cli.demo_receipt import NoReceipt, receipt_mailed_to
from tillit_cli.erasure_watch import Watched, as_table, watch_erasure
from tillit_cli.import_file import Parsed, ReadItem, Rejected
from tillit_cli.import_people import PeopleImport, Registration
from tillit_cli.import_positions import PositionsImport, PublishedPosting
from tillit_cli.import_run import ImportSummary, send_all, told_reasons
from tillit_cli.job_posting import JobPosting, read_positions
from tillit_cli.json_resume import JobInterest, Resume, ResumeDocument, read_people
from tillit_cli.operator_calls import Operator, operating
from tillit_cli.portal import Portal, portal_at
from tillit_cli.proof.residue import After, Before, Check, ResidueProof
from tillit_cli.proof.unique_person import UniquePerson, make_person
from tillit_cli.reach import Reached, Reader, percentile, reach_of
from tillit_cli.receipt import told
from tillit_cli.settled import wait_until_settled

AT_ONCE: Final = 4
SETTLE_SECONDS: Final = 60.0
ERASURE_SECONDS: Final = 120.0
_WANTED: Final = ("Sykepleier", "Systemutvikler", "Kokk")
"""What the person of the proof looks for: several adverts of the sample set, wherever they are."""


class DemoFailed(Exception):
    """Something was not as promised. The text says what, and names nobody."""


@dataclass(frozen=True, slots=True)
class Told:
    """What happened, for whoever wants to look closer."""

    registration: Registration
    """Of the person who was erased."""
    reached: Sequence[Reached]
    before: Before
    watched: Watched
    receipt: CheckedReceipt
    after: After


class DemoStory:
    """One telling of the main job on a stack that is up."""

    def __init__(self, info: StackInfo, console: Console) -> None:
        self._info = info
        self._console = console
        self._clock = SystemClock()

    async def tell(self) -> Told:
        """Everything, in order.

        Raises:
            DemoFailed, NotErased, NotSettled: something was not as promised.
        """
        async with operating(self._info) as operator, portal_at(self._info.services["profile"]) as portal:
            person = make_person()
            people = list(read_people(samples.PEOPLE, today=self._clock.now().date()))
            registration = await self._register(portal, people, person)
            await wait_until_settled(self._info, operator, seconds=SETTLE_SECONDS)
            readers = [Reader(item.value.email, item.value.job_interests) for item in _parsed(people)]
            readers.append(Reader(person.email, _interests()))
            reached = await self._publish(portal, operator, readers)
            proof = ResidueProof(self._info, registration.subject_id, person.needles("the person's"))
            before = await proof.before_erasure()
            self._tell_before(before)
            watched = await self._erase(portal, operator, registration)
            await wait_until_settled(self._info, operator, seconds=SETTLE_SECONDS)
            receipt = await self._tell_receipt(person)
            self._console.print(
                "\n[bold]The proof.[/] Searching everything for the name, the mail, the phone and the birth date ..."
            )
            after = await proof.after_erasure(before)
            self._tell_after([*before.checks, *after.checks], after)
            return Told(registration, reached, before, watched, receipt, after)

    async def _register(self, portal: Portal, people: Sequence[ReadItem[Resume]], person: UniquePerson) -> Registration:
        self._console.print("\n[bold]People register.[/]")
        registered: list[Registration] = []
        summary = await send_all(people, PeopleImport(portal, registered.append).send, at_once=AT_ONCE)
        self._tell_import("people", summary)
        await send_all([Parsed(0, _resume_of(person))], PeopleImport(portal, registered.append).send, at_once=1)
        if not registered or registered[-1].login.email != person.email:
            raise DemoFailed("the demo failed: the person of the proof was not registered")
        self._console.print(f"One more, made for the proof at the end: {registered[-1].subject_id}")
        return registered[-1]

    async def _publish(self, portal: Portal, operator: Operator, readers: Sequence[Reader]) -> list[Reached]:
        self._console.print("\n[bold]Employers publish positions.[/]")
        catcher = MailCatcher(self._info)
        await catcher.alerts()
        published: list[PublishedPosting] = []
        sender = PositionsImport(portal, self._info.operator_key_file, published.append)
        items = _anew(read_positions(samples.POSITIONS), self._clock.now())
        self._tell_import("positions", await send_all(items, sender.send, at_once=AT_ONCE))
        await wait_until_settled(self._info, operator, seconds=SETTLE_SECONDS)
        reached = reach_of(published, readers, await catcher.alerts())
        self._tell_reach(reached)
        return reached

    async def _erase(self, portal: Portal, operator: Operator, registration: Registration) -> Watched:
        self._console.print("\n[bold]The person asks for the deletion of everything.[/]")
        asked = monotonic()
        deletion = await portal.delete_me(registration.login, "everything")
        if deletion.final_at - self._clock.now() > timedelta(seconds=ERASURE_SECONDS / 2):
            raise DemoFailed(
                "the demo failed: the deletion cools off until "
                f"{deletion.final_at:%Y-%m-%d %H:%M}: start the stack with TILLIT_COOLING_OFF_HOURS=0"
            )
        with Live(console=self._console, refresh_per_second=10, transient=True) as live:
            watched = await watch_erasure(
                self._info,
                operator,
                registration.subject_id,
                asked=asked,
                seconds=ERASURE_SECONDS,
                changed=lambda erasure: live.update(as_table(erasure)),
            )
        self._console.print(as_table(watched.erasure))
        self._console.print(
            f"\nFrom the request to SubjectErased: [bold]{watched.seconds:.2f} s[/]. The cooling-off (72 hours by default)"
            " is set to 0 in the local stack."
        )
        return watched

    async def _tell_receipt(self, person: UniquePerson) -> CheckedReceipt:
        self._console.print("\n[bold]The last mail[/] links to a receipt; it is checked with nothing but public keys.")
        try:
            checked = await receipt_mailed_to(self._info, person.email)
        except (NoReceipt, BadReceipt) as error:
            raise DemoFailed(f"the demo failed: {error}") from error
        for line in told(checked):
            self._console.print(line, markup=False, highlight=False)
        folder = self._info.state
        self._console.print(
            f"Check it yourself: python tools/verify_receipt.py {folder}/receipt.json {folder}/receipt-keys.json",
            soft_wrap=True,
        )
        return checked

    def _tell_import(self, what: str, summary: ImportSummary) -> None:
        for line in told_reasons(summary):
            self._console.print(line, style="yellow", markup=False, soft_wrap=True)
        self._console.print(f"{summary.added} {what} added, {summary.known} there already, {len(summary.bad)} bad")
        if summary.bad:
            raise DemoFailed(f"the demo failed: {len(summary.bad)} {what} of the sample set were refused")

    def _tell_reach(self, reached: Sequence[Reached]) -> None:
        table = Table("position", "at", "reached", "first mail", "last mail", box=None, header_style="bold")
        for one in reached:
            times = sorted(one.seconds)
            first, last = (f"{times[0] * 1000:.0f} ms", f"{times[-1] * 1000:.0f} ms") if times else ("", "")
            posting = one.position.posting
            table.add_row(posting.title, posting.place, _people(len(one.alerts)), first, last)
        self._console.print(table)
        seconds = [value for one in reached for value in one.seconds]
        missing, wrong = sum(len(one.missing) for one in reached), sum(one.wrong for one in reached)
        if missing or wrong or not seconds:
            raise DemoFailed(f"the demo failed: {missing} mails did not come, {wrong} should not have come")
        self._console.print(
            f"{len(seconds)} mails, each to somebody who had asked, each once. From the employer's request to the mail"
            f" accepted by the mail server, {len(reached)} positions in one go: p50"
            f" [bold]{percentile(seconds, 0.5) * 1000:.0f} ms[/], p99 [bold]{percentile(seconds, 0.99) * 1000:.0f} ms[/]"
        )

    def _tell_before(self, before: Before) -> None:
        places = ", ".join(f"{count} in {place}" for place, count in sorted(before.by_holder().items()))
        self._console.print(
            f"\nOf the person made for the proof the system holds [bold]{len(before.blobs)} sealed blobs[/] ({places});"
            f" {before.keys} keys open them. All are copied now, as somebody could have done."
        )

    def _tell_after(self, checks: Sequence[Check], after: After) -> None:
        places = Table("searched", "files or tables", "size", box=None, header_style="bold")
        for place, searched in after.searched.items():
            places.add_row(place, str(searched.units), f"{searched.size / 1e6:.1f} MB")
        self._console.print(places)
        results = Table("", "what must hold", "what was seen", box=None, header_style="bold")
        for check in checks:
            results.add_row("[green]yes[/]" if check.holds else "[bold red]NO[/]", check.what, check.seen)
        self._console.print(results)
        self._console.print(
            "Searched: PostgreSQL's files (heap, TOAST, indexes, write-ahead log) and every row as read, parked ones too;"
            " Kafka's segments; the logs; the rest of the stack's folder. Not searched: the mails that the catcher"
            " accepted, because they are delivered, and so the outside world. Not proved yet: that nobody digs the"
            " wrapped key out of old database files with the key-encryption key in hand: the weekly"
            " rotation ends that (`tillit keys rotate`), and is not part of the demo."
        )
        failed = [check.what for check in checks if not check.holds]
        if failed:
            raise DemoFailed(f"the demo failed: {'; '.join(failed)}")


def _people(count: int) -> str:
    return "nobody" if count == 0 else "1 person" if count == 1 else f"{count} people"


def _parsed(items: Iterable[ReadItem[Resume]]) -> list[Parsed[Resume]]:
    return [item for item in items if isinstance(item, Parsed)]


def _anew(items: Iterable[ReadItem[JobPosting]], now: datetime) -> Iterator[ReadItem[JobPosting]]:
    """The adverts as published now, under identifiers of this telling, so that it can be told again and again."""
    telling = secrets.token_hex(3)
    for item in items:
        if isinstance(item, Rejected):
            yield item
        else:
            anew = item.value.published_anew(now)
            external_id = f"{anew.external_id or uuid4()}-{telling}"
            yield Parsed(item.index, anew.model_copy(update={"external_id": external_id}), item.ignored_fields)


def _interests() -> tuple[JobInterest, ...]:
    return tuple(JobInterest(occupation=occupation) for occupation in _WANTED)


def _resume_of(person: UniquePerson) -> Resume:
    return Resume(
        name=person.name,
        email=person.email,
        phone=person.phone,
        birth_date=person.birth_date,
        address=None,
        job_interests=_interests(),
        resume=ResumeDocument.model_validate({"work": [{"name": "Arbeidsgiver", "summary": person.name}]}),
    )
