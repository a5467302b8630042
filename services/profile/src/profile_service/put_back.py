"""Puts back what this service said and its restored database forgot: it is the source, so nobody else can tell it.

What events do not carry is lost: passwords, resumes, employers made since, positions. Nobody who was erased comes back.
"""

from typing import Final

from chassis.logs import get_logger
from chassis.reactions import Single
from chassis.service import Service
from chassis.subjects import DELETION_PENDING
from chassis.transaction import Transaction
from contracts.personal import ERASED, Category, Personal, UserInformation
from contracts.privacy import DeletionCancelled, DeletionRequested
from contracts.profile import (
    JobInterestRemoved,
    JobInterestSaved,
    ProfileCorrected,
    ProfileDeleted,
    ProfileKind,
    ProfileRegistered,
)
from contracts.purposes import PurposeId

from chassis import work
from profile_service import deletions, employers, job_interests, logins, profiles
from profile_service.delete_profile import final_deletion_of
from profile_service.deletions import Deletion
from profile_service.email_address import email_hash
from profile_service.job_interests import JobInterest, Words
from profile_service.logins import Credential, Login
from profile_service.passwords import Passwords
from profile_service.profiles import Details, Profile
from profile_service.same_interest import same_interest

_CATEGORY: Final = Category.USER_INFORMATION
_log = get_logger()


def put_back(service: Service) -> None:
    """Declare what is put back, and how."""
    nobodys = Passwords().nobodys
    service.puts_back(ProfileRegistered, _registered(service, nobodys), purpose=PurposeId.P1)
    service.puts_back(ProfileCorrected, _corrected(service), purpose=PurposeId.P1)
    service.puts_back(JobInterestSaved, _interest_saved, purpose=PurposeId.P1)
    service.puts_back(JobInterestRemoved, _interest_removed, purpose=PurposeId.P1)
    service.puts_back(DeletionRequested, _deletion_requested, purpose=PurposeId.P8)
    service.puts_back(DeletionCancelled, _deletion_cancelled, purpose=PurposeId.P8)
    service.puts_back(ProfileDeleted, _deleted, purpose=PurposeId.P8)


def _registered(service: Service, nobodys: str) -> Single[ProfileRegistered]:
    async def registered(event: ProfileRegistered, tx: Transaction) -> None:
        """The person, and a login by their e-mail that no password opens until it is set anew."""
        subject, email = event.subject_id, event.email.reveal()
        if email is ERASED:
            return
        if event.employer_id is not None and await employers.find(tx.connection, event.employer_id) is None:
            _log.warning("put_back.employer_unknown", kind=event.kind)
            return
        details = tx.seal(_details(event), subject=subject, record_id=subject, schema="profiles")
        profile = Profile(subject, event.kind, event.employer_id, details, event.registered_at)
        if await profiles.put_back(tx.connection, profile):
            await _add_login(tx, event, email_hash(service.own_key, email), nobodys)

    return registered


async def _add_login(tx: Transaction, event: ProfileRegistered, known_by: bytes, nobodys: str) -> None:
    subject = event.subject_id
    password = Credential(password_hash=Personal[str, UserInformation](nobodys))
    credential = tx.seal(password, subject=subject, record_id=subject, schema="logins")
    login = Login(subject, ProfileKind(event.kind), known_by, credential)
    if not await logins.add(tx.connection, login, event.registered_at):
        _log.warning("put_back.email_taken", kind=event.kind)


def _corrected(service: Service) -> Single[ProfileCorrected]:
    async def corrected(event: ProfileCorrected, tx: Transaction) -> None:
        subject, email = event.subject_id, event.email.reveal()
        profile = await profiles.find(tx.connection, subject)
        if profile is None or email is ERASED:
            return
        if profile.corrected_at is not None and profile.corrected_at >= event.corrected_at:
            return
        sealed = tx.seal(_details(event), subject=subject, record_id=subject, schema="profiles")
        await profiles.correct(tx.connection, subject, sealed, event.corrected_at)
        known_by = email_hash(service.own_key, email)
        if await logins.find_by_email(tx.connection, known_by) is None:
            await logins.change_email(tx.connection, subject, known_by, event.corrected_at)

    return corrected


def _details(event: ProfileRegistered | ProfileCorrected) -> Details:
    return Details(
        name=event.name,
        email=event.email,
        phone=event.phone,
        home_address=event.home_address,
        date_of_birth=event.date_of_birth,
    )


async def _interest_saved(event: JobInterestSaved, tx: Transaction) -> None:
    subject, occupation, place = event.subject_id, event.occupation.reveal(), event.place.reveal()
    if occupation is ERASED or place is ERASED or await profiles.find(tx.connection, subject) is None:
        return
    if same_interest(tx, await job_interests.all_of(tx.connection, subject), occupation, place) is not None:
        return
    words = Words(occupation=event.occupation, place=event.place)
    sealed = tx.seal(words, subject=subject, record_id=event.interest_id, schema="job_interests")
    interest = JobInterest(event.interest_id, sealed, event.saved_at)
    await job_interests.add(tx.connection, subject, interest)


async def _interest_removed(event: JobInterestRemoved, tx: Transaction) -> None:
    await job_interests.remove(tx.connection, event.subject_id, event.interest_id)


async def _deletion_requested(event: DeletionRequested, tx: Transaction) -> None:
    """Who had asked to be deleted still is: their cooling-off ends when it was to end."""
    subject = event.subject_id
    if tx.state(subject).is_erased(_CATEGORY) or await deletions.find(tx.connection, subject) is not None:
        return
    if await profiles.find(tx.connection, subject) is None:
        return
    await deletions.add(tx.connection, subject, Deletion(event.reason, event.requested_at, event.final_at))
    await tx.restrict(subject, DELETION_PENDING)
    kind, key = final_deletion_of(subject)
    tx.enqueue(kind, key, subject=subject, due_at=event.final_at)


async def _deletion_cancelled(event: DeletionCancelled, tx: Transaction) -> None:
    if await deletions.remove(tx.connection, event.subject_id):
        await tx.lift_restriction(event.subject_id, DELETION_PENDING)
        await work.cancel(tx.connection, *final_deletion_of(event.subject_id))


async def _deleted(event: ProfileDeleted, tx: Transaction) -> None:
    """It ended: no login opens it, and its erasure, which others began, takes the rest."""
    await logins.remove(tx.connection, event.subject_id)
    await profiles.end(tx.connection, event.subject_id, event.deleted_at)
