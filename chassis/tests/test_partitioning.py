"""Keys go where every other Kafka client would send them."""

from uuid import uuid4

from aiokafka.partitioner import DefaultPartitioner
from chassis.partitioning import partition_of


def test_a_key_goes_to_the_partition_that_the_clients_own_rule_chooses() -> None:
    clients_own = DefaultPartitioner()
    for key in [str(uuid4()).encode() for _ in range(200)]:
        for count in (1, 3, 6, 12):
            partitions = list(range(count))
            assert partition_of(key, partitions, partitions) == clients_own(key, partitions, partitions)


def test_a_partition_without_a_leader_keeps_its_keys() -> None:
    keys = [str(uuid4()).encode() for _ in range(50)]
    assert [partition_of(key, [0, 1, 2], [1]) for key in keys] == [
        partition_of(key, [0, 1, 2], [0, 1, 2]) for key in keys
    ]
