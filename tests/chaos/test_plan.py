"""The plan of faults follows from the seed alone."""

from tests.chaos.plan import PROCESSES, FaultKind, plan


def test_the_same_seed_makes_the_same_plan() -> None:
    assert plan(7, 40) == plan(7, 40)
    assert plan(7, 40) != plan(8, 40)


def test_faults_are_in_order_of_time_and_end_soon_after_the_load() -> None:
    for seed in range(50):
        faults = plan(seed, 20)
        assert faults == sorted(faults, key=lambda fault: fault.at)
        assert all(1 <= fault.at < 20 and fault.at + fault.seconds <= 22 for fault in faults)
        assert all(0 <= fault.target < PROCESSES for fault in faults)


def test_over_ten_seeds_every_kind_of_fault_strikes() -> None:
    struck = {fault.kind for seed in range(10) for fault in plan(seed, 40)}
    assert struck == set(FaultKind)
