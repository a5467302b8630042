from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

from tillit_cli import samples
from tillit_cli.caught_mail import JobAlert
from tillit_cli.import_file import Parsed
from tillit_cli.import_positions import PublishedPosting
from tillit_cli.job_posting import JobPosting, read_positions
from tillit_cli.json_resume import JobInterest, read_people
from tillit_cli.reach import Reader, percentile, reach_of

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def adverts() -> list[JobPosting]:
    return [item.value for item in read_positions(samples.POSITIONS) if isinstance(item, Parsed)]


def test_the_sample_set_reaches_somebody_with_most_positions_and_nobody_with_some() -> None:
    people = [item.value for item in read_people(samples.PEOPLE, today=date(2026, 11, 24)) if isinstance(item, Parsed)]
    readers = [Reader(person.email, person.job_interests) for person in people]
    positions = [PublishedPosting(uuid4(), advert, AT) for advert in adverts()]
    counts = [len(one.expected) for one in reach_of(positions, readers, [])]
    assert len(positions) >= 30
    assert len(people) == 25
    assert 0 in counts
    assert sum(count > 0 for count in counts) > len(counts) / 2


def test_a_mail_that_is_missing_doubled_or_to_the_wrong_person_is_told() -> None:
    advert, position = adverts()[0], uuid4()
    wanted = [JobInterest(occupation=advert.occupation)]
    readers = [Reader("a@example.org", wanted), Reader("b@example.org", wanted), Reader("c@example.org", [])]

    def reached(*addresses: str) -> tuple[int, int]:
        alerts = [JobAlert(address, position, AT) for address in addresses]
        (one,) = reach_of([PublishedPosting(position, advert, AT)], readers, alerts)
        return len(one.missing), one.wrong

    assert reached("a@example.org", "b@example.org") == (0, 0)
    assert reached("a@example.org") == (1, 0)
    assert reached("a@example.org", "a@example.org", "b@example.org") == (0, 1)
    assert reached("a@example.org", "b@example.org", "c@example.org") == (0, 1)
    assert reached("a@example.org", "b@example.org", "somebody.else@example.org") == (0, 0)


def test_an_interest_matches_whatever_its_case_and_spacing_and_only_its_place() -> None:
    advert = adverts()[0].model_copy(update={"occupation": "UX-designer", "place": "Mo i Rana"})
    assert Reader("a@example.org", [JobInterest(occupation="ux-DESIGNER")]).wants(advert)
    assert Reader("a@example.org", [JobInterest(occupation="UX-designer", place="mo  i rana")]).wants(advert)
    assert not Reader("a@example.org", [JobInterest(occupation="UX-designer", place="Oslo")]).wants(advert)
    assert not Reader("a@example.org", [JobInterest(occupation="UX")]).wants(advert)


def test_the_time_to_a_mail_runs_from_the_request_to_publish() -> None:
    advert, position = adverts()[0], UUID(int=7)
    alert = JobAlert("a@example.org", position, AT + timedelta(milliseconds=250))
    (one,) = reach_of([PublishedPosting(position, advert, AT)], [Reader("a@example.org", [])], [alert])
    assert one.seconds == [0.25]


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1.0)) == (50.0, 99.0, 100.0)
    assert percentile([3.0], 0.5) == 3.0
