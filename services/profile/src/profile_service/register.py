"""Makes a person's profile: keys first, then login, details and the event in one transaction.

A registration that fails leaves nothing but unused keys, which the keyring sweeps (`on_keys_unconfirmed`).
"""

from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from chassis.clock import new_id
from chassis.problems import Problem, conflict, invalid
from chassis.service import Service
from chassis.transaction import Transaction
from contracts.personal import ERASED, Category, Personal, SubjectId, UserInformation
from contracts.profile import ProfileKind, ProfileRegistered

from profile_service import employers, logins, profiles, resumes
from profile_service.age import AGE_OF_CONSENT, can_be_alive, old_enough
from profile_service.employers import Employer
from profile_service.logins import Credential, Login
from profile_service.profiles import Details, Profile
from profile_service.resumes import Resume

_CATEGORIES: Final = (
    Category.USER_INFORMATION,
    Category.COMMUNICATION,
    Category.WEBSITE_USAGE,
    Category.RIGHTS_CASE,
)


@dataclass(frozen=True)
class NewPerson:
    """Somebody who registers. `employer` (name and organisation number) makes them an employer user."""

    details: Details
    email_hash: bytes
    password_hash: Personal[str, UserInformation]
    resume: Personal[str, UserInformation] | None = None
    employer: tuple[str, str] | None = None


async def new_subject(service: Service) -> SubjectId:
    """A random id, which carries no time and nothing else, with the keys of all its categories.

    Raises:
        KeyringUnavailable: nothing can be registered now.
    """
    subject = SubjectId(uuid4())
    await service.keys.make(subject, _CATEGORIES)
    return subject


async def register(tx: Transaction, subject: SubjectId, person: NewPerson) -> None:
    """Register this person.

    Raises:
        Problem: 422 when they are too young; 409 when somebody has this e-mail, or it took so long that the keys made for
            it were given up as unused.
    """
    if tx.state(subject).erased:
        raise conflict("registration-expired", "This registration took too long. Begin it again.")
    check_age(tx, person.details)
    kind = ProfileKind.JOB_SEEKER if person.employer is None else ProfileKind.EMPLOYER
    credential = tx.seal(
        Credential(password_hash=person.password_hash), subject=subject, record_id=subject, schema="logins"
    )
    if not await logins.add(tx.connection, Login(subject, kind, person.email_hash, credential), tx.now()):
        raise email_taken()
    employer = None if person.employer is None else await known_employer(tx, *person.employer)
    details = tx.seal(person.details, subject=subject, record_id=subject, schema="profiles")
    employer_id = None if employer is None else employer.employer_id
    await profiles.add(tx.connection, Profile(subject, kind, employer_id, details, tx.now()))
    if person.resume is not None:
        resume = tx.seal(Resume(document=person.resume), subject=subject, record_id=subject, schema="resumes")
        await resumes.put(tx.connection, subject, resume, tx.now())
    tx.publish(
        ProfileRegistered(
            subject_id=subject,
            kind=kind,
            employer_id=employer_id,
            registered_at=tx.now(),
            name=person.details.name,
            email=person.details.email,
            phone=person.details.phone,
            home_address=person.details.home_address,
            date_of_birth=person.details.date_of_birth,
        )
    )


async def known_employer(tx: Transaction, name: str, orgnr: str) -> Employer:
    """The organisation with this number, made now when it is new; one that is known keeps its name."""
    new = Employer(new_id(tx.clock), orgnr, name)
    if await employers.add(tx.connection, new, tx.now()):
        return new
    return await employers.find_by_orgnr(tx.connection, orgnr) or new


def check_age(tx: Transaction, details: Details) -> None:
    """Refuse whoever can't consent to a profile yet (personopplysningsloven § 5).

    Raises:
        Problem: 422 for the date of birth.
    """
    born = details.date_of_birth.reveal()
    if born is None or born is ERASED:
        return
    if not can_be_alive(born, tx.now()):
        raise invalid("/body/date_of_birth", "is not a date of birth")
    if not old_enough(born, tx.now()):
        raise invalid("/body/date_of_birth", f"a profile of one's own takes an age of {AGE_OF_CONSENT}")


def email_taken() -> Problem:
    """409. It tells that the address has an account, and nothing of whose or of which kind."""
    return conflict("email-taken", "This e-mail can't be registered: it has an account. Log in instead.")
