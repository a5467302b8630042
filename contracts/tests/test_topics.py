"""What topics keep of people, and for how long."""

from contracts.registry import EVENTS
from contracts.topics import TOPICS


def test_no_topic_about_people_is_compacted() -> None:
    """The segment that is written to is never compacted: on a quiet topic an erasure would wait for ever (trap 43)."""
    of_people = {event.topic for event in EVENTS if event.category is not None or event.personal_fields}
    assert of_people
    assert [topic.name for topic in of_people if topic.compacted] == []


def test_every_record_ends_before_the_tombstones_that_would_meet_it() -> None:
    kept = [topic for topic in TOPICS.values() if not topic.compacted]
    assert max(topic.retention_days for topic in kept) <= 21
