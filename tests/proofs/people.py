"""Who there is, what each has told the portal, and so what must be found about them, or must not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from chassis.keys import KeySet
from contracts.personal import Category, Personal, SubjectId, UserInformation
from profile_service.profiles import Details

OCCUPATIONS = ("sykepleier", "lærer", "snekker")
PLACES = ("Bodø", "Tromsø")


class Standing(StrEnum):
    """Where a person stands with the portal, as the portal acknowledged it."""

    MEMBER = "member"
    LEAVING = "leaving"
    """Asked to be deleted, and may take it back."""
    ENDED = "ended"


@dataclass
class Held:
    """One hold on somebody. `sure` once everybody knew of it before the person's erasure began."""

    hold_id: UUID
    category: Category | None
    sure: bool = False
    lifted: bool = False


@dataclass
class Person:
    """One registration; who registers again is another one."""

    subject_id: SubjectId
    name: str
    email: str
    keys: KeySet
    """Their keys as they were at registration: with these, events of before are made again."""
    standing: Standing = Standing.MEMBER
    interests: dict[UUID, tuple[str, str]] = field(default_factory=dict[UUID, tuple[str, str]])
    changes: int = 0
    uncertain: bool = False
    """A restore took back what they had told since the backup: what is found is not asked for."""
    again: bool = False
    holds: list[Held] = field(default_factory=list[Held])

    def details(self) -> Details:
        return details(self.name, self.email)


def details(name: str, email: str) -> Details:
    return Details(
        name=Personal[str, UserInformation](name),
        email=Personal[str, UserInformation](email),
        phone=Personal(None),
        home_address=Personal(None),
        date_of_birth=Personal(None),
    )


@dataclass
class People:
    """Everybody of one schedule, and what happened that the services can't be asked for."""

    everybody: list[Person] = field(default_factory=list[Person])
    saved: dict[UUID, int] = field(default_factory=dict[UUID, int])
    """How often each had changed something when profile's database was last backed up."""
    retention_restored: bool = False
    mails_may_repeat: bool = False

    def those(self, *standings: Standing) -> list[Person]:
        return [person for person in self.everybody if person.standing in standings]

    def everybody_knows(self) -> None:
        """All is settled: a hold on somebody whose profile has not ended was heard of everywhere."""
        for person in self.those(Standing.MEMBER, Standing.LEAVING):
            for held in person.holds:
                held.sure = not held.lifted

    def backed_up(self, service: str) -> None:
        if service == "profile":
            self.saved = {person.subject_id: person.changes for person in self.everybody}

    def taken_back(self, service: str) -> None:
        """What profile was told since its backup is nowhere but in what others made of it."""
        for person in self.everybody:
            if service == "profile":
                person.uncertain |= self.saved.get(person.subject_id) != person.changes
            if (
                service != "audit-log"
            ):  # what it kept under a hold, or that there is one, may be younger than the backup
                for held in person.holds:
                    held.sure = False
        self.mails_may_repeat |= service in ("notifications", "profile")
        self.retention_restored |= service == "retention"


def chosen(people: Sequence[Person], number: int) -> Person | None:
    return people[number % len(people)] if people else None
