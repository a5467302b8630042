"""Two services measure apart, and no label counts or names people."""

from chassis.metrics import METHODS, Metrics, bounded


def test_two_services_in_one_process_do_not_share_series() -> None:
    profile, audit_log = Metrics(), Metrics()
    profile.relay_sent.labels("profile.v1").inc()
    assert b'tillit_relay_sent_total{topic="profile.v1"} 1.0' in profile.exposition()
    assert b"profile.v1" not in audit_log.exposition()


def test_every_series_is_ours_or_the_processs() -> None:
    for family in Metrics().registry.collect():
        assert family.name.startswith(("tillit_", "process_"))
        assert family.documentation


def test_a_value_from_outside_cannot_make_a_new_series() -> None:
    assert bounded("GET", METHODS) == "GET"
    assert bounded("BREW", METHODS) == "other"
