"""What each step of a schedule does: a person's command, or what befalls the services."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Final, cast
from uuid import uuid4

from chassis.clock import new_id
from chassis.commands import take_commands
from chassis.errors import TRANSIENT, SubjectGone
from chassis.keys import LOG_KEY, KeyName, KeySet
from chassis.problems import Problem
from chassis.records import Cause, encode
from chassis.transaction import Transaction
from contracts.event import Event
from contracts.personal import Category, Personal, SubjectId, UserInformation
from contracts.position import PositionPublished
from contracts.privacy import LegalGround
from contracts.profile import DeletionReason, JobInterestSaved, ProfileCorrected, ProfileKind, ProfileRegistered
from contracts.rights import InactivitySuspected
from contracts.topics import PROFILE
from profile_service.cancel_deletion import cancel_deletion
from profile_service.correct_profile import correct_profile
from profile_service.email_address import email_hash
from profile_service.register import NewPerson, new_subject, register
from profile_service.remove_job_interest import remove_job_interest
from profile_service.request_deletion import request_deletion
from profile_service.save_job_interest import save_job_interest
from retention_service.keyring import Keyring
from retention_service.lift_hold import lift_hold
from retention_service.place_hold import NewHold, keys_for, place_hold
from retention_service.rotate_keys import ROTATE_KEYS, ask_to_rotate
from retention_service.settings import RetentionSettings

from tests.proofs.people import OCCUPATIONS, PLACES, Held, People, Person, Standing, chosen, details
from tests.proofs.schedule import Kind, Step
from tests.proofs.town import COOLING_OFF, NAMES, START, Place, Town

REASONS: Final = (DeletionReason.TERMINATED, DeletionReason.REQUESTED)
CATEGORIES_HELD: Final = (None, Category.USER_INFORMATION, Category.COMMUNICATION)
TIMES: Final = (
    timedelta(seconds=1),
    timedelta(minutes=10),
    timedelta(hours=7),
    timedelta(days=1),
    COOLING_OFF,
    timedelta(days=8),
)
_UNCHANGED: Final = (*TRANSIENT, Problem, SubjectGone)
"""A command that was refused changed nothing."""


@dataclass
class Play:
    """One schedule under way."""

    town: Town
    people: People = field(default_factory=People)
    made: int = 0

    async def do(self, step: Step) -> None:
        await _DO[step.kind](self, step)
        self._hear()

    def _hear(self) -> None:
        for person in self.people.everybody:
            if person.subject_id in self.town.ended:
                person.standing = Standing.ENDED

    def place(self, number: int) -> Place:
        return self.town.places[NAMES[number % len(NAMES)]]

    @asynccontextmanager
    async def _command(
        self, name: str, subject: SubjectId, keys: Sequence[KeyName] | None = None
    ) -> AsyncGenerator[Transaction]:
        """As the service's edge takes one."""
        database = self.town.service(name).database
        await take_commands(database)
        async with database.transaction([subject], keys=keys) as tx:
            yield tx

    # People

    async def register(self, step: Step) -> None:
        self.made += 1
        await self._register(f"Kari Skogheim {self.made:04}", f"kari.skogheim.{self.made:04}@post.example")

    async def again(self, step: Step) -> None:
        before = chosen([person for person in self.people.those(Standing.ENDED) if not person.again], step.a)
        if before is not None:
            before.again = await self._register(before.name, before.email)

    async def _register(self, name: str, email: str) -> bool:
        profile = self.town.service("profile")
        password = Personal[str, UserInformation]("argon2 of a password")
        person = NewPerson(details(name, email), email_hash(profile.own_key, email), password)
        with suppress(*_UNCHANGED):
            subject = await new_subject(profile)
            keys = await profile.keys.fetch([LOG_KEY, KeyName(subject, Category.USER_INFORMATION)])
            async with self._command("profile", subject) as tx:
                await register(tx, subject, person)
            self.people.everybody.append(Person(subject, name, email, keys))
            return True
        return False

    async def correct(self, step: Step) -> None:
        person = chosen(self.people.those(Standing.MEMBER, Standing.LEAVING), step.a)
        if person is None:
            return
        name = f"{person.name.partition(' av ')[0]} av {step.b:04}"
        profile = self.town.service("profile")
        with suppress(*_UNCHANGED):
            async with self._command("profile", person.subject_id) as tx:
                await correct_profile(
                    tx,
                    person.subject_id,
                    details(name, person.email),
                    email_hash=email_hash(profile.own_key, person.email),
                    password_given=True,
                )
            person.name = name
            person.changes += 1

    async def interest(self, step: Step) -> None:
        person = chosen(self.people.those(Standing.MEMBER, Standing.LEAVING), step.a)
        if person is None:
            return
        wish = OCCUPATIONS[step.b % len(OCCUPATIONS)], PLACES[step.c % len(PLACES)]
        with suppress(*_UNCHANGED):
            async with self._command("profile", person.subject_id) as tx:
                interest_id, _ = await save_job_interest(tx, person.subject_id, *wish)
            person.interests[interest_id] = wish
            person.changes += 1

    async def no_interest(self, step: Step) -> None:
        person = chosen([one for one in self.people.those(Standing.MEMBER) if one.interests], step.a)
        if person is None:
            return
        interest_id = sorted(person.interests)[step.b % len(person.interests)]
        with suppress(*_UNCHANGED):
            async with self._command("profile", person.subject_id) as tx:
                await remove_job_interest(tx, person.subject_id, interest_id)
            del person.interests[interest_id]
            person.changes += 1

    async def position(self, step: Step) -> None:
        now = self.town.clock.now()
        advert = PositionPublished(
            position_id=uuid4(),
            employer_id=uuid4(),
            employer_name="Fjell sykehus",
            title="Natt",
            occupation=OCCUPATIONS[step.a % len(OCCUPATIONS)],
            place=PLACES[step.b % len(PLACES)].upper(),
            published_at=now,
        )
        await self._say(advert, source="profile")

    async def delete(self, step: Step) -> None:
        person = chosen(self.people.those(Standing.MEMBER), step.a)
        if person is None:
            return
        cooling_off = timedelta() if step.c % 3 else COOLING_OFF
        with suppress(*_UNCHANGED):
            async with self._command("profile", person.subject_id) as tx:
                await request_deletion(tx, person.subject_id, REASONS[step.b % len(REASONS)], cooling_off)
            person.standing = Standing.LEAVING
            person.changes += 1

    async def cancel(self, step: Step) -> None:
        person = chosen(self.people.those(Standing.LEAVING), step.a)
        if person is None:
            return
        with suppress(*_UNCHANGED):
            async with self._command("profile", person.subject_id) as tx:
                await cancel_deletion(tx, person.subject_id)
            person.standing = Standing.MEMBER
            person.changes += 1

    async def inactive(self, step: Step) -> None:
        person = chosen(self.people.those(Standing.MEMBER), step.a)
        if person is not None:
            now = self.town.clock.now()
            limit = now if step.b % 2 else now - timedelta(days=365)
            suspected = InactivitySuspected(subject_id=person.subject_id, inactive_since=now, limit=limit)
            await self._say(suspected, source="retention", keys=person.keys)

    async def late(self, step: Step) -> None:
        person = chosen(self.people.those(Standing.ENDED), step.a)
        if person is not None:
            await self._say(_of_before(person, step.b), source="profile", keys=person.keys)

    async def _say(self, event: Event, *, source: str, keys: KeySet | None = None) -> None:
        """Put an event on its topic, as its publisher's relay would."""
        service = self.town.service(source)
        with suppress(*_UNCHANGED):
            known = keys or await service.keys.fetch([LOG_KEY, *service.keys.names_for(event.subjects())])
            at, event_id = self.town.clock.now(), new_id(self.town.clock)
            sent = encode(event, known, Cause(event_id), event_id=event_id, source=source, at=at, prefix="")
            self.town.bus.send(sent.topic, sent.key, sent.headers, sent.body)

    # Officers

    async def hold(self, step: Step) -> None:
        person = chosen(self.people.everybody, step.a)
        if person is None:
            return
        category = CATEGORIES_HELD[step.b % len(CATEGORIES_HELD)]
        subject = person.subject_id
        wanted = NewHold(
            subject_id=subject,
            category=category,
            holder=None,
            table=None,
            records=(),
            ground=LegalGround.LEGAL_CLAIM,
            reason=Personal("a claim"),
            review_on=self.town.clock.now() + timedelta(days=90),
        )
        with suppress(*_UNCHANGED):
            async with self._command("retention", subject, keys_for(subject)) as tx:
                placed = await place_hold(tx, self._keyring(), wanted, "operator")
            person.holds.append(Held(placed.placed.hold.hold_id, category))

    async def lift(self, step: Step) -> None:
        held = [(one, person) for person in self.people.everybody for one in person.holds if not one.lifted]
        if not held:
            return
        one, person = held[step.a % len(held)]
        with suppress(*_UNCHANGED):
            async with self._command("retention", person.subject_id) as tx:
                await lift_hold(tx, self._keyring(), one.hold_id, "operator")
            one.lifted = True

    def _keyring(self) -> Keyring:
        return Keyring.told_by(cast("RetentionSettings", self.town.service("retention").settings))

    # Services

    async def repeat(self, step: Step) -> None:
        sent = self.town.bus.sent
        about_people = [record for record in sent if record.topic == PROFILE.name]
        among = about_people if step.b % 3 and about_people else sent
        if among:
            self.town.bus.repeat(among[step.a % len(among)])

    async def replay(self, step: Step) -> None:
        place = self.place(step.a)
        topics = self.town.topics(place)
        await self.town.replay(place, topics[step.b % len(topics)])

    async def relay(self, step: Step) -> None:
        await self.town.relay(self.place(step.a), 1 + step.b % 6)

    async def relay_twice(self, step: Step) -> None:
        await self.town.relay(self.place(step.a), 1 + step.b % 6, twice=True)

    async def deliver(self, step: Step) -> None:
        place = self.place(step.a)
        topics = self.town.topics(place)
        await self.town.deliver(place, topics[step.b % len(topics)], 1 + step.c % 8)

    async def work(self, step: Step) -> None:
        place = self.place(step.a)
        kinds = [*await self.town.due(place), *(["fence"] if place.name == "retention" else [])]
        if kinds:
            await self.town.work(place, kinds[step.b % len(kinds)])

    async def settle(self, step: Step) -> None:
        """What is broken stays so; without the keyring nothing would ever end."""
        self.town.door.open = True
        await self.town.settle()
        self._hear()
        self.people.everybody_knows()

    async def end(self) -> None:
        """Nothing is broken any more, what was parked runs, and everything comes to its end."""
        self.town.door.open = True
        await self.town.settle()
        await self.heal()
        await self.town.settle()
        self._hear()

    async def pass_time(self, step: Step) -> None:
        self.town.clock.advance(TIMES[step.a % len(TIMES)])

    async def back_up(self, step: Step) -> None:
        place = self.place(step.a)
        place.backup = await place.rows.save()
        self.people.backed_up(place.name)

    async def restore(self, step: Step) -> None:
        found = [place for place in self.town.places.values() if place.backup is not None]
        if not found:
            return
        place = found[step.a % len(found)]
        if place.backup is None or not self.town.door.open:
            return
        await self.town.restore(place, place.backup)
        self.people.taken_back(place.name)

    async def restart(self, step: Step) -> None:
        await self.town.restart(self.place(step.a))

    async def rotate(self, step: Step) -> None:
        retention = self.town.places["retention"]
        async with retention.service.database.transaction(keys=()) as tx:
            await ask_to_rotate(tx)
        await self.town.work(retention, ROTATE_KEYS)
        retention.backup = None  # keys under an epoch that is destroyed: such a backup is refused

    async def make_keys(self, step: Step) -> None:
        person = chosen(self.people.everybody, step.a)
        if person is not None:
            with suppress(*_UNCHANGED):
                await self.town.service("profile").keys.make(person.subject_id, list(Category))

    async def break_(self, step: Step) -> None:
        await self.town.places["notifications"].rows.execute(
            "CREATE OR REPLACE FUNCTION no_contact() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'no contact can be stored'; END $$;"
            " CREATE OR REPLACE TRIGGER no_contact BEFORE INSERT OR UPDATE ON contacts"
            " FOR EACH ROW EXECUTE FUNCTION no_contact()"
        )

    async def mend(self, step: Step) -> None:
        await self.town.places["notifications"].rows.execute("DROP TRIGGER IF EXISTS no_contact ON contacts")

    async def redrive(self, step: Step) -> None:
        await self.town.redrive(self.place(step.a))

    async def keyring_away(self, step: Step) -> None:
        self.town.door.open = False

    async def keyring_back(self, step: Step) -> None:
        self.town.door.open = True

    async def heal(self) -> None:
        self.town.door.open = True
        await self.mend(Step(Kind.MEND, 0, 0, 0))
        for place in self.town.places.values():
            while await self.town.redrive(place):
                pass


def _of_before(person: Person, number: int) -> Event:
    """What was said about somebody, or could have been, before their profile ended."""
    subject, told, at = person.subject_id, person.details(), START
    if number % 3 == 0:
        return ProfileRegistered(
            subject_id=subject,
            kind=ProfileKind.JOB_SEEKER,
            registered_at=at,
            name=told.name,
            email=told.email,
            phone=told.phone,
            home_address=told.home_address,
            date_of_birth=told.date_of_birth,
        )
    if number % 3 == 1:
        return ProfileCorrected(
            subject_id=subject,
            corrected_at=at,
            name=told.name,
            email=told.email,
            phone=told.phone,
            home_address=told.home_address,
            date_of_birth=told.date_of_birth,
        )
    return JobInterestSaved(
        subject_id=subject,
        interest_id=uuid4(),
        saved_at=at,
        occupation=Personal[str, UserInformation](OCCUPATIONS[0]),
        place=Personal[str | None, UserInformation](PLACES[0]),
    )


_DO: Final[Mapping[Kind, Callable[[Play, Step], Awaitable[None]]]] = MappingProxyType(
    {
        Kind.REGISTER: Play.register,
        Kind.CORRECT: Play.correct,
        Kind.INTEREST: Play.interest,
        Kind.NO_INTEREST: Play.no_interest,
        Kind.POSITION: Play.position,
        Kind.DELETE: Play.delete,
        Kind.CANCEL: Play.cancel,
        Kind.INACTIVE: Play.inactive,
        Kind.AGAIN: Play.again,
        Kind.LATE: Play.late,
        Kind.REPEAT: Play.repeat,
        Kind.REPLAY: Play.replay,
        Kind.RELAY: Play.relay,
        Kind.RELAY_TWICE: Play.relay_twice,
        Kind.DELIVER: Play.deliver,
        Kind.WORK: Play.work,
        Kind.SETTLE: Play.settle,
        Kind.PASS_TIME: Play.pass_time,
        Kind.BACK_UP: Play.back_up,
        Kind.RESTORE: Play.restore,
        Kind.RESTART: Play.restart,
        Kind.ROTATE: Play.rotate,
        Kind.MAKE_KEYS: Play.make_keys,
        Kind.HOLD: Play.hold,
        Kind.LIFT: Play.lift,
        Kind.BREAK: Play.break_,
        Kind.MEND: Play.mend,
        Kind.REDRIVE: Play.redrive,
        Kind.KEYRING_AWAY: Play.keyring_away,
        Kind.KEYRING_BACK: Play.keyring_back,
    }
)
