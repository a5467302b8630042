"""What must hold: after every step for whoever was erased, and for everybody once nothing is left to do."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from uuid import UUID

from chassis.errors import SubjectGone
from chassis.hold_back import key_of
from chassis.keys import KeyName
from chassis.sealing import unseal
from chassis.sql import borrow
from contracts.personal import Category, SubjectId
from notifications_service import contacts
from notifications_service.contacts import Contact
from notifications_service.interest_search import Searched, as_searched
from profile_service import profiles
from profile_service.profiles import Details

from chassis import held_records, subjects
from tests.proofs.actions import Play
from tests.proofs.people import Person, Standing
from tests.proofs.remain import may_stay
from tests.proofs.town import Place

CALLERS = {
    Category.USER_INFORMATION: "notifications",
    Category.COMMUNICATION: "notifications",
    Category.WEBSITE_USAGE: "audit-log",
}
"""Who may read which keys, and so may ask whether they live: as few as can ask for all."""


class Violation(AssertionError):
    """Something that must never be; the text says what."""


async def after_each_step(play: Play) -> None:
    """Nobody who is erased is anywhere, and none of their keys is back.

    Raises:
        Violation: with where.
    """
    town = play.town
    erased = [person for person in play.people.everybody if person.subject_id in town.gone]
    if erased:
        today = [place for place in town.places.values() if place.catch_up is None]
        for place in today:
            if (found := await _where(place, erased, town.gone)) is not None:
                raise Violation(found)
    if town.door.open:
        await _keys_are_gone(play)


async def once_settled(play: Play) -> None:
    """Everything is said and done, nobody erased is back, and whoever lives has everything.

    Raises:
        Violation: with what is missing, or is there.
    """
    await after_each_step(play)
    await _all_is_read(play)
    for person in play.people.everybody:
        if person.standing is Standing.ENDED:
            if person.subject_id not in play.town.gone:
                raise Violation(f"{person.name}: the profile ended, and no erasure was done")
            await _no_key_is_made_again(play, person)
            await _what_is_held_is_there(play, person)
        elif not person.uncertain:
            await _has_everything(play, person)
    await _no_address_is_kept(play)
    _nobody_is_written_to_twice(play)


async def _where(place: Place, people: Sequence[Person], gone: Mapping[UUID, Collection[str]]) -> str | None:
    """Who of these people, erased in these categories, is in rows that may not stay, and in which; None when nobody is."""
    asked = (
        [str(person.subject_id) for person in people],
        [person.email for person in people],
        [",".join(sorted(gone[person.subject_id])) for person in people],
    )
    found = await place.rows.fetch(_search(place.name, place.rows.tables), *asked)
    if found:
        [first, *_] = (person for person in people if str(person.subject_id) == found[0]["subject"])
        tables = ", ".join(
            f"{row['found']} in {row['place']}" for row in found if row["subject"] == found[0]["subject"]
        )
        raise Violation(f"{first.name} is erased, and {place.name} has rows of them: {tables}")


@cache
def _search(service: str, tables: Sequence[str]) -> str:
    """Rows of every table that name somebody erased in any column, as text or as bytes, and may not."""
    parts = [
        f"SELECT '{table}' AS place, one.subject, count(*) AS found FROM {table} AS row"
        " CROSS JOIN LATERAL (SELECT row::text AS said OFFSET 0) AS told"  # once for everybody
        " JOIN one ON strpos(told.said, one.subject) > 0 OR strpos(told.said, one.subject_hex) > 0"
        " OR strpos(told.said, one.email) > 0 OR strpos(told.said, one.email_hex) > 0"
        f" WHERE NOT ({may_stay(service, table)}) GROUP BY one.subject"
        for table in tables
    ]
    return (
        "WITH one AS MATERIALIZED (SELECT subject, replace(subject, '-', '') AS subject_hex, email,"
        " encode(convert_to(email, 'UTF8'), 'hex') AS email_hex, string_to_array(categories, ',') AS gone"
        " FROM unnest($1::text[], $2::text[], $3::text[]) AS asked (subject, email, categories))"
        f" {' UNION ALL '.join(parts)} ORDER BY subject, place"
    )


async def _keys_are_gone(play: Play) -> None:
    by_caller: dict[str, list[KeyName]] = {}
    for subject, categories in play.town.gone.items():
        for category in sorted(categories):
            by_caller.setdefault(CALLERS[Category(category)], []).append(KeyName(SubjectId(subject), category))
    for person in play.people.everybody:
        lifted = [key_of(person.subject_id, held.hold_id) for held in person.holds if held.lifted]
        by_caller.setdefault("notifications", []).extend(lifted)
    for caller, names in by_caller.items():
        if not names:
            continue
        living = await play.town.living(caller, names)
        if living:
            raise Violation(f"a destroyed key is back: {sorted(living)}")


async def _all_is_read(play: Play) -> None:
    for place in play.town.places.values():
        waiting = await place.rows.fetch("SELECT count(*) AS rows FROM outbox")
        if waiting[0]["rows"]:
            raise Violation(f"{place.name} has {waiting[0]['rows']} rows in its outbox")
        parked = await place.rows.fetch("SELECT event_type, reason FROM parked ORDER BY id")
        surprising = [f"{row['event_type']}: {row['reason']}" for row in parked]
        if surprising and not (place.name == "retention" and play.people.retention_restored):
            raise Violation(f"{place.name} has parked: {surprising}")
        await _knows_every_event(play, place)


async def _knows_every_event(play: Play, place: Place) -> None:
    """Every record of its topics went through its inbox, but those that concern nothing here."""
    known = {row["event_id"] for row in await place.rows.fetch("SELECT event_id FROM inbox")}
    taken = {reaction.type for reaction in place.service.reactions}
    topics = set(play.town.topics(place))
    for record in play.town.bus.sent:
        headers = dict(record.headers)
        if record.topic not in topics or not (place.service.takes_every_record or headers["ce_type"].decode() in taken):
            continue
        if UUID(headers["ce_id"].decode()) not in known:
            raise Violation(f"{place.name} never took in {headers['ce_type'].decode()}")


async def _no_key_is_made_again(play: Play, person: Person) -> None:
    profile = play.town.service("profile")
    for name in ("profile", "notifications"):
        keys = play.town.service(name).keys
        await keys.pull_destroyed()
        mine = keys.categories & play.town.gone[person.subject_id]
        left = await keys.fetch(KeyName(person.subject_id, category) for category in mine)
        if left.keys:
            raise Violation(f"{name} still holds a destroyed key of {person.name}")
    try:
        await profile.keys.make(person.subject_id, [Category.USER_INFORMATION])
    except SubjectGone:
        return
    raise Violation(f"a destroyed key of {person.name} was made again")


async def _what_is_held_is_there(play: Play, person: Person) -> None:
    """Invariant 5: what a hold covered when the erasure began is kept, and opens with the hold's own key only.

    Looked at where it comes from: what others have of it may be parked, and is erased then, not held.
    """
    if Category.USER_INFORMATION not in play.town.gone[person.subject_id]:
        return
    for held in person.holds:
        if not held.sure or held.lifted or held.category not in (None, Category.USER_INFORMATION):
            continue
        service, name = play.town.service("profile"), key_of(person.subject_id, held.hold_id)
        keys = await service.keys.fetch([name])
        async with borrow(service.database.pool) as connection:
            records = await held_records.of_hold(connection, held.hold_id)
        if not records or not keys.keys:
            raise Violation(f"{person.name} is held, and profile has {len(records)} records and {len(keys.keys)} keys")
        for record in records:
            unseal(keys.need(name), record.content)


async def _has_everything(play: Play, person: Person) -> None:
    subject, leaving = person.subject_id, person.standing is Standing.LEAVING
    profile, notifications = play.town.service("profile"), play.town.service("notifications")
    async with profile.database.transaction([subject]) as tx:
        row = await profiles.find(tx.connection, subject)
        if row is None or tx.open(Details, row.details) != person.details():
            raise Violation(f"{person.name} lives, and profile does not have their details")
        _stands(tx.state(subject), person, leaving=leaving)
        logins = await tx.fetchval("SELECT count(*) FROM logins WHERE subject_id = $1", subject)
        wishes = await tx.fetch("SELECT interest_id FROM job_interests WHERE subject_id = $1", subject)
    if logins != 1 or {one["interest_id"] for one in wishes} != set(person.interests):
        raise Violation(f"{person.name} lives, and profile has not all that they told")
    async with notifications.database.transaction([subject]) as tx:
        sealed = await contacts.find(tx.connection, subject)
        contact = None if sealed is None else tx.open(Contact, sealed)
        if contact is None or (contact.name.reveal(), contact.email.reveal()) != (person.name, person.email):
            raise Violation(f"{person.name} lives, and notifications does not know how to reach them")
        _stands(tx.state(subject), person, leaving=leaving)
        wishes = await tx.fetch("SELECT interest_id FROM interests WHERE subject_id = $1", subject)
        found = await tx.fetch(
            "SELECT interest_id, occupation, place FROM interest_search WHERE subject_id = $1", subject
        )
    if {one["interest_id"] for one in wishes} != set(person.interests):
        raise Violation(f"{person.name} lives, and notifications does not know what they look for")
    searched = {as_searched(interest, subject, *wish) for interest, wish in person.interests.items()}
    if {Searched(row["interest_id"], subject, row["occupation"], row["place"]) for row in found} != searched:
        raise Violation(f"{person.name} lives, and is not found by what they look for")


async def _no_address_is_kept(play: Play) -> None:
    rows = play.town.places["notifications"].rows
    kept = await rows.fetch("SELECT subject_id FROM last_mails WHERE contact IS NOT NULL OR letter IS NOT NULL")
    if kept:
        raise Violation(f"notifications keeps {len(kept)} addresses for mails that have ended")


def _stands(state: subjects.SubjectState, person: Person, *, leaving: bool) -> None:
    if state.erased:
        raise Violation(f"{person.name} lives, and is marked as erased")
    if state.restricted is not leaving:
        raise Violation(f"{person.name} is {person.standing}, and restricted is {state.restricted}")


def _nobody_is_written_to_twice(play: Play) -> None:
    """The same mail may come twice, with its own id; another one about the same may not."""
    if play.people.mails_may_repeat:
        return
    mails = {(mail.to, mail.message_id): mail.text.partition("\r\n\r\n")[2] for mail in play.town.mail.mails}
    repeated = [to for (to, _), count in Counter((to, text) for (to, _), text in mails.items()).items() if count > 1]
    if repeated:
        raise Violation(f"{len(repeated)} mails were made twice")
