"""The plan of faults follows from the seed alone."""

from tests.chaos.plan import FaultKind, plan, target_count


def test_the_same_seed_makes_the_same_plan() -> None:
    assert plan(7, 40) == plan(7, 40)
    assert plan(7, 40) != plan(8, 40)


def test_faults_are_in_order_of_time_and_end_soon_after_the_load() -> None:
    for seed in range(50):
        faults = plan(seed, 20)
        assert faults == sorted(faults, key=lambda fault: fault.at)
        assert all(1 <= fault.at < 20 and fault.at + fault.seconds <= 22 for fault in faults)
        assert all(0 <= fault.target < target_count(fault.kind) for fault in faults)


def test_over_twenty_seeds_every_kind_of_fault_strikes() -> None:
    struck = {fault.kind for seed in range(20) for fault in plan(seed, 20)}
    assert struck == set(FaultKind)


def test_clocks_are_stepped_by_minutes_and_by_hours_back_and_forth() -> None:
    steps = [fault.by for seed in range(50) for fault in plan(seed, 20) if fault.kind is FaultKind.CLOCK_STEP]
    assert min(steps) < -3600
    assert max(steps) > 3600
    assert any(60 <= abs(step) < 900 for step in steps)
    assert all(60 <= abs(step) <= 6 * 3600 for step in steps)
