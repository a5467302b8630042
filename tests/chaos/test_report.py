"""The report tells of every round and every violation; its pictures are SVG that any reader of XML takes."""

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.chaos.report import write_report
from tests.chaos.round import Outcome
from tests.chaos.timeline import Struck, Timeline
from tests.chaos.verdict import Violation

_SVG = "{http://www.w3.org/2000/svg}"


def _outcome(seed: int, folder: Path, violations: list[Violation]) -> Outcome:
    timeline = Timeline()
    timeline.faults = [
        Struck("kill", "killed source 1", "source 1", 1.0, 2.5),
        Struck("broker pause", "broker, for 3 s", "broker", 4.0, 7.0),
        Struck("one way", "sink 1 to <database>", "sink 1 to database", 5.0, None),
    ]
    return Outcome(
        seed=seed,
        seconds=12,
        acknowledged_at=[0.5, 0.7, 3.0],
        tried=4,
        retries=2,
        erased=1,
        arrived_at=[0.9, 8.0],
        faults=Counter({"kill": 1, "broker pause": 1, "one way": 1}),
        faults_over_at=12.0,
        drain_seconds=3.5,
        took_seconds=20.0,
        violations=violations,
        timeline=timeline,
        folder=folder,
    )


def test_a_report_has_a_row_and_a_picture_for_every_round_and_says_how_to_play_a_failed_one_again(
    tmp_path: Path,
) -> None:
    lost = Violation("lost", "x/1 never reached the sink", 3.0)
    outcomes = [_outcome(7, tmp_path, []), _outcome(8, tmp_path, [lost])]

    text = write_report(outcomes, tmp_path / "report").read_text(encoding="utf-8")

    assert "2 seeds, 1 with violations; 6 faults, 6 commands acknowledged" in text
    assert "| [7](seed-7.svg) | 3 |" in text
    assert "lost at 3.0 s: x/1 never reached the sink" in text
    assert "python -m tests.chaos --seed 8 --seconds 12" in text


def test_a_picture_shows_a_bar_for_each_fault_in_the_lane_of_what_it_struck_and_marks_violations(
    tmp_path: Path,
) -> None:
    outcome = _outcome(8, tmp_path, [Violation("lost", "a <fact> & more", 3.0), Violation("stuck", "all", None)])

    drawn = ET.fromstring(outcome.picture().svg())

    titles = [title.text or "" for title in drawn.iter(f"{_SVG}title")]
    assert sum("kill" in title or "broker pause" in title or "one way" in title for title in titles) == 3
    assert "lost: a <fact> & more" in titles
    texts = [text.text for text in drawn.iter(f"{_SVG}text")]
    assert {"source 1", "broker", "sink 1 to database", "acknowledged/s", "arrived/s", "2 violations"} <= set(texts)
    assert len(list(drawn.iter(f"{_SVG}polyline"))) == 2
