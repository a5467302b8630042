"""A person corrects or supplements their details (A3): every service that holds them learns of it."""

from chassis.problems import Problem
from chassis.transaction import Transaction
from contracts.personal import SubjectId
from contracts.profile import ProfileCorrected

from profile_service import logins, profiles
from profile_service.profiles import Details
from profile_service.register import check_age, email_taken
from profile_service.signed_in import signed_in, signed_out


async def correct_profile(
    tx: Transaction, subject: SubjectId, details: Details, *, email_hash: bytes, password_given: bool
) -> None:
    """Put these details in place of the old ones; nothing happens when they are the same.

    Raises:
        Problem: 401 when the profile ended; 403 when the e-mail changes and the password was not given; 409 when
            somebody has the new e-mail; 422 for a date of birth.
    """
    profile = await signed_in(tx, subject)
    check_age(tx, details)
    if tx.open(Details, profile.details) == details:
        return
    login = await logins.find(tx.connection, subject)
    if login is None:
        raise signed_out()
    if login.email_hash != email_hash:
        if not password_given:
            raise password_needed()
        if not await logins.change_email(tx.connection, subject, email_hash, tx.now()):
            raise email_taken()
    sealed = tx.seal(details, subject=subject, record_id=subject, schema="profiles")
    await profiles.correct(tx.connection, subject, sealed, tx.now())
    tx.publish(
        ProfileCorrected(
            subject_id=subject,
            corrected_at=tx.now(),
            name=details.name,
            email=details.email,
            phone=details.phone,
            home_address=details.home_address,
            date_of_birth=details.date_of_birth,
        )
    )


def password_needed() -> Problem:
    """403: a token alone, which may be stolen, is not enough for this."""
    return Problem(403, "password-needed", "Password needed", "Send your current password as `password`.")
