"""L2: of any stored field of any person the system says where it is, what for, by which rule, and when it goes."""

from chassis.explain import Explanation
from tillit_cli.json_resume import JobInterest
from tillit_cli.proof.named_rows import rows_naming

from .system import JobSeeker, System


async def told_to_themselves(system: System, who: JobSeeker) -> dict[str, Explanation]:
    """What every service tells the person about themselves, by its database."""
    found: dict[str, Explanation] = {}
    for service in system.info.services:
        answer = await system.ask(service, "GET", "/me/explain", who.login)
        assert answer.status_code == 200
        found[service.replace("-", "_")] = Explanation.model_validate_json(answer.content)
    return found


async def test_l2_every_table_that_names_a_person_explains_every_column_to_them(system: System) -> None:
    who = await system.job_seeker(JobInterest(occupation="L2-seilmaker", place="Utsira"))
    await system.settled()
    await system.publish("L2-seilmaker", "Utsira")
    await system.settled()
    explained = await told_to_themselves(system, who)
    fields = {
        f"{database}.{kept.table}.{field}"
        for database, one in explained.items()
        for kept in one.kept
        for field in kept.fields
    }
    named = {where for where in await rows_naming(system.stored, who.subject_id) if ".pg_statistic." not in where}
    assert len(named) > 10
    assert not named - fields, "a scan from outside finds the person where nobody explains why"
    everything = [kept for one in explained.values() for kept in one.kept]
    assert all(kept.why and kept.rule and all(why.bases for why in kept.why) for kept in everything)
    assert {"searched", "sealed"} <= {form for kept in everything for form in kept.fields.values()}
    [mails] = [kept for kept in explained["notifications"].kept if kept.table == "mails"]
    assert mails.first_goes is not None
    assert await told_by_the_operator(system, who) == explained


async def told_by_the_operator(system: System, who: JobSeeker) -> dict[str, Explanation]:
    return {
        service.replace("-", "_"): await system.operator.explain(service, who.subject_id)
        for service in system.info.services
    }


async def test_l2_of_somebody_who_was_erased_the_proof_and_its_day_are_explained(system: System) -> None:
    who = await system.job_seeker()
    await system.settled()
    erasure = await system.erased(who, "everything")
    explained = await told_by_the_operator(system, who)
    assert erasure.done_at is not None
    [proof] = [kept for kept in explained["retention"].kept if kept.table == "erasures"]
    assert proof.first_goes == erasure.done_at.replace(year=erasure.done_at.year + 3)
    assert {kept.table for kept in explained["profile"].kept} == {"subjects"}
    assert set(explained["profile"].erased) == set(erasure.categories)
