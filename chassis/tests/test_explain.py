"""Whoever asks why something of a person is still here is told where, what for, by which rule and until when (L2)."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import httpx
from chassis.edge import make_app
from chassis.explain import Explanation, KeptRows, explain, purposes_of
from chassis.explain_api import explain_routes
from chassis.health import Health
from chassis.holders import Holder
from chassis.personal_tables import Clock, PersonalTable
from chassis.process import LOGIN_ISSUER, LOGIN_ROLES, verifiers
from chassis.sql import borrow
from chassis.testing.services import surroundings
from contracts.personal import Category, SubjectId
from contracts.purposes import PurposeId

from .town import AT, CATEGORIES, HOLDER, Town, deletion, erasure, saved

KEPT_A_YEAR = Holder(
    "notifications",
    tables=(
        PersonalTable(
            "held_records",
            Category.COMMUNICATION,
            "subject_id",
            "a year",
            sealed=("content",),
            purposes=(PurposeId.P3,),
            clock=Clock("held_at", months=12),
        ),
    ),
)


async def told(town: Town, subject: SubjectId, holder: Holder = HOLDER) -> Explanation:
    async with borrow(town.service.database.pool) as connection:
        return await explain(connection, holder, subject, tombstone_days=90)


def part(explained: Explanation, table: str) -> KeptRows:
    [found] = [one for one in explained.kept if one.table == table]
    return found


@asynccontextmanager
async def edge(town: Town, token: str) -> AsyncGenerator[httpx.AsyncClient]:
    service = town.service
    app = make_app(
        title=service.name,
        routers=[explain_routes(service, LOGIN_ROLES)],
        settings=service.settings,
        health=Health(),
        metrics=service.metrics,
        verifiers=verifiers(service),
        clock=service.clock,
        own_secret=b"a secret of the test",
    )
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=headers) as client:
        yield client


async def test_every_field_is_told_with_purpose_basis_rule_and_form(town: Town) -> None:
    subject = town.person()
    await town.say(saved(subject, 1), saved(subject, 2))
    await town.say(deletion(subject))
    explained = await told(town, subject)
    kept = part(explained, "kept")
    assert (kept.rows, kept.rule, kept.category) == (2, "as long as the test", Category.USER_INFORMATION)
    assert kept.fields["details"] == "sealed"
    assert kept.fields["subject_id"] == "id or time"
    assert set(kept.fields) == HOLDER.tables[0].columns
    assert [why.purpose for why in kept.why] == [PurposeId.P3, PurposeId.P4, PurposeId.P8]
    assert "6(1)(b)" in kept.why[0].bases
    assert (kept.first_goes, kept.last_goes, kept.holds) == (None, None, [])
    assert explained.restrictions == ["deletion_pending"]
    assert {one.table for one in explained.kept} == {"kept", "subjects"}


async def test_where_the_rule_is_a_clock_the_days_of_the_first_and_the_last_row_are_told(town: Town) -> None:
    subject, hold = town.person(), uuid4()
    async with borrow(town.service.database.pool) as connection:
        await connection.execute(
            "INSERT INTO known_holds (hold_id, subject_id, table_name, holder, ground, review_on)"
            " VALUES ($1, $2, 'held_records', 'notifications', '17(3)(e)', $3)",
            hold,
            subject,
            AT + timedelta(days=7),
        )
        for days in (0, 28, 59):  # 2026-01-02, 2026-01-30, 2026-03-02
            await connection.execute(
                "INSERT INTO held_records (hold_id, subject_id, category, table_name, record_id, content, held_at)"
                " VALUES ($1, $2, 'communication', 'letters', $3, 'x', $4)",
                hold,
                subject,
                uuid4(),
                AT + timedelta(days=days),
            )
    kept = next(one for one in (await told(town, subject, KEPT_A_YEAR)).kept if one.table == "held_records")
    assert kept.first_goes == AT.replace(year=2027)
    assert kept.last_goes == AT.replace(year=2027, month=3)
    assert [(one.hold_id, one.ground, one.review_on) for one in kept.holds] == [
        (hold, "17(3)(e)", AT + timedelta(days=7))
    ]


async def test_of_somebody_erased_the_tombstone_is_told_and_of_a_stranger_nothing(town: Town) -> None:
    subject = town.person()
    await town.say(saved(subject, 1))
    await town.say(erasure(subject, CATEGORIES))
    explained = await told(town, subject)
    assert [(one.table, one.last_goes) for one in explained.kept] == [("subjects", AT + timedelta(days=90))]
    assert (explained.erased, explained.erased_at) == (sorted(CATEGORIES), AT)
    assert (await told(town, SubjectId(uuid4()))).kept == []


async def test_a_person_is_told_about_themselves_and_the_operator_about_anybody(town: Town) -> None:
    subject, other = town.person(), town.person()
    await town.say(saved(subject, 1), saved(other, 2), saved(other, 3))
    signers = surroundings(town.service).identities
    login = signers.signer("login", town.service.clock).login(LOGIN_ISSUER, subject, LOGIN_ROLES[0])
    async with edge(town, login) as person:
        mine = Explanation.model_validate_json((await person.get("/me/explain")).content)
        assert part(mine, "kept").rows == 1
        assert (await person.get(f"/admin/explain/{other}")).status_code == 403
    async with edge(town, signers.signer("operator", town.service.clock).internal(town.service.name)) as operator:
        answer = await operator.get(f"/admin/explain/{other}")
        assert part(Explanation.model_validate_json(answer.content), "kept").rows == 2
        assert (await operator.get("/me/explain")).status_code == 403
    async with edge(town, signers.signer("profile", town.service.clock).internal(town.service.name)) as service:
        assert (await service.get(f"/admin/explain/{other}")).status_code == 403
    async with edge(town, "no token") as nobody:
        assert (await nobody.get("/me/explain")).status_code == 401


def test_a_table_is_kept_for_what_it_declares_else_for_what_the_service_is_registered_for() -> None:
    assert purposes_of("notifications", KEPT_A_YEAR.tables[0]) == (PurposeId.P3,)
    rights = PersonalTable("cases", Category.RIGHTS_CASE, "subject_id", "R")
    assert purposes_of("notifications", rights) == [PurposeId.P8]
