"""Lanes keep partitions whole and in order, and there are never more than the pool can bear."""

from chassis.lanes import MAX_LANES, lanes
from chassis.records import Record
from hypothesis import given
from hypothesis import strategies as st

PARTITIONS = st.lists(st.integers(0, 11), max_size=1_500)


def records_of(partitions: list[int]) -> list[Record]:
    return [Record("t", partition, offset, b"k", (), b"{}") for offset, partition in enumerate(partitions)]


@given(partitions=PARTITIONS)
def test_every_record_is_in_one_lane_with_all_others_of_its_partition_in_their_order(partitions: list[int]) -> None:
    records = records_of(partitions)
    shared = lanes(records)

    assert len(shared) <= MAX_LANES
    for partition in set(partitions):
        holding = [lane for lane in shared if any(record.partition == partition for record in lane)]
        assert len(holding) == 1
        assert [r for r in holding[0] if r.partition == partition] == [r for r in records if r.partition == partition]
    assert sum(map(len, shared)) == len(records)


def test_a_few_records_of_many_partitions_are_one_transaction() -> None:
    assert len(lanes(records_of([0, 1, 2, 3, 4, 5]))) == 1


def test_a_full_poll_is_shared_about_equally() -> None:
    shared = lanes(records_of([0] * 600 + [1] * 500 + [2] * 500 + [3] * 400))

    assert sorted(map(len, shared)) == [500, 600, 900]
