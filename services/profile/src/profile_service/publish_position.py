"""An employer user publishes a position of their employer: people who asked for such positions are told (P4)."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from chassis.clock import new_id
from chassis.problems import Problem, conflict, invalid
from chassis.transaction import Transaction
from contracts.personal import SubjectId
from contracts.position import PositionPublished

from profile_service import employers, positions
from profile_service.compared import compared
from profile_service.employers import Employer
from profile_service.expire_position import expiry_of
from profile_service.positions import Advert, Position
from profile_service.signed_in import signed_in

_LONGEST: Final = timedelta(days=2 * 365)


async def publish_position(tx: Transaction, subject: SubjectId, advert: Advert) -> tuple[UUID, bool]:
    """The position's id, and whether it is new: under an external id that the employer used before, the same advert is
    the one that is there.

    Raises:
        Problem: 401 when the profile ended; 403 for somebody without an employer; 409 when another advert has the
            external id; 422 for its end.
    """
    employer = await employer_of(tx, subject)
    _check_end(advert.expires_at, tx.now())
    position = Position(new_id(tx.clock), employer.employer_id, employer.name, advert, tx.now())
    if not await positions.add(tx.connection, position):
        return await _published_before(tx, position), False
    if advert.expires_at is not None:
        kind, key = expiry_of(position.position_id)
        tx.enqueue(kind, key, due_at=advert.expires_at)
    tx.publish(
        PositionPublished(
            position_id=position.position_id,
            employer_id=employer.employer_id,
            employer_name=employer.name,
            title=advert.title,
            occupation=advert.occupation,
            place=advert.place,
            published_at=position.published_at,
            expires_at=advert.expires_at,
        )
    )
    return position.position_id, True


async def employer_of(tx: Transaction, subject: SubjectId) -> Employer:
    """The employer that this person acts for.

    Raises:
        Problem: 401 when the profile ended; 403 when they act for none.
    """
    profile = await signed_in(tx, subject)
    employer = None if profile.employer_id is None else await employers.find(tx.connection, profile.employer_id)
    if employer is None:
        raise Problem(403, "forbidden", "Not allowed", "Only users of an employer may do this.")
    return employer


def _check_end(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and not now < expires_at <= now + _LONGEST:
        raise invalid("/body/expires_at", f"must be in the future, and within {_LONGEST.days} days")


async def _published_before(tx: Transaction, new: Position) -> UUID:
    known = await positions.find_imported(tx.connection, new.employer_id, new.advert.external_id or "")
    if known is None or _said(known.advert) != _said(new.advert):
        raise conflict("external-id-taken", "Another advert was published under this external id. Use another one.")
    return known.position_id


def _said(advert: Advert) -> tuple[str, str, str]:
    """What makes two adverts of one external id the same; text and end may be told anew by a repeated import."""
    return compared(advert.title), compared(advert.occupation), compared(advert.place)
