"""A disclosure stands in the register once, and the person and an officer see who got what, why and when."""

from contracts.personal import Category

from .recipients_rig import Employer, disclosed
from .rig import Rig, new_subject


async def test_an_officer_sees_who_got_what_of_whom_and_why(rig: Rig) -> None:
    subject, other = new_subject(), new_subject()
    await rig.make(subject)
    await rig.make(other)
    await disclosed(rig, subject, Employer(rig, webhook="https://fjell.example/notices"))
    await disclosed(rig, other, Employer(rig, "Dal kommune", mail="post@dal.example"))
    answer = await rig.get(f"/recipients?subject_id={subject}", "privacy-officer")
    [item] = answer.json()["items"]
    assert (item["name"], item["kind"], item["category"]) == ("Fjell sykehus", "employer", "user_information")
    assert (item["fields"], item["why"]) == (["name", "resume"], "an application for Sykepleier, natt")
    assert item["notices"] == []


async def test_a_disclosure_that_is_told_of_twice_stands_there_once(rig: Rig) -> None:
    subject, employer = new_subject(), Employer(rig, webhook="https://fjell.example/notices")
    await rig.make(subject)
    event = employer.received(subject)
    await rig.deliver(event, event)
    assert len((await rig.get(f"/recipients?subject_id={subject}", "privacy-officer")).json()["items"]) == 1


async def test_nobody_but_an_officer_reads_the_register_of_others(rig: Rig) -> None:
    subject = new_subject()
    assert (await rig.get(f"/recipients?subject_id={subject}", "profile")).status_code == 403
    assert (await rig.get("/me/recipients", "privacy-officer")).status_code == 403


async def test_the_register_comes_in_pages_newest_first(rig: Rig) -> None:
    subject = new_subject()
    await rig.make(subject)
    for n in range(5):
        await rig.deliver(Employer(rig, f"{n}").received(subject, category=Category.APPLICATION, reference=str(n)))
    path, seen = f"/recipients?subject_id={subject}&limit=2", 0
    for expected in (2, 2, 1):
        page = (await rig.get(path, "privacy-officer")).json()
        seen += len(page["items"])
        assert len(page["items"]) == expected
        path = f"/recipients?subject_id={subject}&limit=2&cursor={page['next']}"
    assert seen == 5
