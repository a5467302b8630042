"""Finds whom an e-mail and a password prove; tells nothing of why it found nobody, and takes as long."""

from uuid import uuid4

from chassis.keys import KeyName
from chassis.records import open_record
from chassis.service import Service
from chassis.sql import borrow
from contracts.personal import ERASED, Category, SubjectId
from pydantic import SecretStr

from profile_service import logins
from profile_service.logins import Credential, Login
from profile_service.passwords import Passwords


async def log_in(service: Service, passwords: Passwords, email_hash: bytes, password: SecretStr) -> Login | None:
    """The login of this e-mail, if this is its password. Of a profile that ended nothing is found.

    Raises:
        KeyringUnavailable: nobody can be told from anybody now.
    """
    async with borrow(service.database.pool) as connection:
        login = await logins.find_by_email(connection, email_hash)
    return login if await _proved(service, passwords, login, password) else None


async def proves(service: Service, passwords: Passwords, subject: SubjectId, password: SecretStr) -> bool:
    """Whether this is the password of somebody who is logged in: for what a stolen token may not do."""
    async with borrow(service.database.pool) as connection:
        login = await logins.find(connection, subject)
    return await _proved(service, passwords, login, password)


async def _proved(service: Service, passwords: Passwords, login: Login | None, password: SecretStr) -> bool:
    # Who is unknown costs a look-up in the keyring and a hash too, so that the time does not tell.
    subject = SubjectId(uuid4()) if login is None else login.subject_id
    keys = await service.keys.fetch([KeyName(subject, Category.USER_INFORMATION)])
    known = ERASED if login is None else open_record(Credential, login.credential, keys).password_hash.reveal()
    return await passwords.match(password, None if known is ERASED else known)
