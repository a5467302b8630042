"""However types, keys and kinds of reactions mix in a batch: each event runs once, and each key keeps its order."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from chassis.metrics import Metrics
from chassis.reactions import Mode, Reaction, Received
from chassis.records import parse, read
from chassis.run import Runnable, run_all
from chassis.transaction import Transaction
from contracts.event import Event
from contracts.personal import SubjectId
from contracts.profile import JobInterestRemoved, JobInterestSaved, ProfileCorrected, ProfileDeleted
from contracts.purposes import PurposeId
from hypothesis import given, settings
from hypothesis import strategies as st

from .town import AT, Town, corrected, removed, saved

TYPES: list[type[Event]] = [JobInterestSaved, JobInterestRemoved, ProfileCorrected, ProfileDeleted]
METRICS = Metrics()


def event_of(event_class: type[Event], subject: SubjectId) -> Event:
    if event_class is JobInterestSaved:
        return saved(subject, 1)
    if event_class is JobInterestRemoved:
        return removed(subject, 1)
    if event_class is ProfileCorrected:
        return corrected(subject)
    return ProfileDeleted.model_validate({"subject_id": subject, "reason": "terminated", "deleted_at": AT})


class Recorder:
    """Reactions that note what they were given."""

    def __init__(self, in_batches: frozenset[type[Event]]) -> None:
        self.ran: list[UUID] = []
        self.groups: list[list[UUID]] = []
        self.reactions = {
            event: Reaction(event, Mode.STORE, PurposeId.P4, batch=self._many)
            if event in in_batches
            else Reaction(event, Mode.STORE, PurposeId.P4, single=self._one)
            for event in TYPES
        }

    async def _one(self, event: Event, tx: Transaction) -> None:
        assert tx.cause.event_id is not None
        self.ran.append(tx.cause.event_id)

    async def _many(self, events: Sequence[Received[Event]], tx: Transaction) -> None:
        self.groups.append([received.envelope.id for received in events])
        self.ran.extend(self.groups[-1])


async def run(town: Town, recorder: Recorder, events: Sequence[Event]) -> list[tuple[str, UUID]]:
    """Run these as one batch; the answer is key and event id of each, in the order of the batch."""
    items: list[Runnable] = []
    for event in events:
        incoming = read(town.record(event))
        items.append(Runnable(incoming, recorder.reactions[type(event)], parse(incoming, type(event))))
    people = sorted({subject for event in events for subject in event.subjects()})
    async with town.service.database.transaction(people) as tx:
        await run_all(items, tx, METRICS)
    return [(item.incoming.key, item.incoming.envelope.id) for item in items]


mixes = st.lists(st.tuples(st.sampled_from(TYPES), st.integers(0, 3)), max_size=20)


@settings(max_examples=40, deadline=None)
@given(mix=mixes, in_batches=st.frozensets(st.sampled_from(TYPES)))
async def test_any_mix_runs_each_event_once_and_keeps_the_order_of_every_key(
    shared_town: Town, mix: list[tuple[type[Event], int]], in_batches: frozenset[type[Event]]
) -> None:
    people = [shared_town.person() for _ in range(4)]
    recorder = Recorder(in_batches)
    given_ = await run(shared_town, recorder, [event_of(event, people[who]) for event, who in mix])
    assert sorted(recorder.ran) == sorted(event_id for _, event_id in given_)
    key_of = {event_id: key for key, event_id in given_}
    wanted: defaultdict[str, list[UUID]] = defaultdict(list)
    found: defaultdict[str, list[UUID]] = defaultdict(list)
    for key, event_id in given_:
        wanted[key].append(event_id)
    for event_id in recorder.ran:
        found[key_of[event_id]].append(event_id)
    assert found == wanted


async def test_a_batch_of_one_type_is_given_to_its_reaction_at_once(town: Town) -> None:
    recorder = Recorder(frozenset(TYPES))
    people = [town.person() for _ in range(5)]
    given_ = await run(town, recorder, [removed(person, 1) for _ in range(3) for person in people])
    assert recorder.groups == [[event_id for _, event_id in given_]]


async def test_alternating_types_of_one_key_do_not_part_those_of_other_keys(town: Town) -> None:
    recorder = Recorder(frozenset(TYPES))
    busy, *quiet = (town.person() for _ in range(6))
    await run(
        town, recorder, [saved(busy, 1), removed(busy, 1), saved(busy, 1), *(removed(person, 1) for person in quiet)]
    )
    assert sorted(map(len, recorder.groups)) == [1, 1, 1, 5]
