from contracts.communication import MessageSent
from contracts.personal import Category
from tillit_cli.json_resume import JobInterest
from tillit_cli.proof.kafka_records import every_record

from .system import System


async def test_d4_a_person_reads_the_mail_that_was_sent_to_them_and_its_log_is_sealed(system: System) -> None:
    who = await system.job_seeker(JobInterest(occupation="D4-klokkemaker"))
    await system.settled()
    position = await system.publish("D4-klokkemaker")
    await system.settled()
    messages = (await system.ask("notifications", "GET", "/me/messages", who.login)).json()["items"]
    assert [message["address"] for message in messages] == [who.person.email]
    assert str(position) in messages[0]["text"]
    assert await system.mails_to(who.person.email) == [messages[0]["text"]]
    assert Category.COMMUNICATION in (await system.sealed_in_tables(who))["notifications"]
    assert await system.readable_traces(who) == set()


async def test_d4_every_mail_that_was_accepted_is_told_as_an_event_about_its_person(system: System) -> None:
    who = await system.job_seeker(JobInterest(occupation="D4-sveiser"))
    await system.settled()
    await system.publish("D4-sveiser")
    await system.settled()
    records = every_record(system.info.kafka_bootstrap, {MessageSent.topic.name})
    subject = str(who.subject_id).encode()
    assert [record.header("ce_type") async for record in records if record.header("ce_subject") == subject] == [
        MessageSent.type.encode()
    ]


async def test_d4_nobody_reads_the_mails_of_another_person(system: System) -> None:
    who, other = await system.job_seeker(JobInterest(occupation="D4-tolk")), await system.job_seeker()
    await system.settled()
    await system.publish("D4-tolk")
    await system.settled()
    assert len((await system.ask("notifications", "GET", "/me/messages", who.login)).json()["items"]) == 1
    assert (await system.ask("notifications", "GET", "/me/messages", other.login)).json()["items"] == []
    assert (await system.ask("notifications", "GET", "/me/messages")).status_code == 401
