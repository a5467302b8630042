"""`tillit keys rotate` tells where a rotation stands, and that nothing is destroyed when it is stopped."""

from datetime import UTC, datetime

from tillit_cli.keyring_calls import Rotation
from tillit_cli.keys import told

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
OPEN = Rotation(
    epoch=2,
    stage="rewrapping",
    asked_at=AT,
    keys=100_000,
    rewrapped=2_500,
    backup=None,
    backup_keys=None,
    proved_keys=None,
    destroyed=[],
    done_at=None,
    stopped_by=None,
    stopped_at=None,
)


def test_an_open_rotation_tells_its_step_and_how_far_it_is() -> None:
    assert told(OPEN) == "rewrapping: epoch 2, 2,500 of 100,000 keys re-wrapped"


def test_a_stopped_one_tells_why_and_that_nothing_is_destroyed() -> None:
    text = told(OPEN.model_copy(update={"stopped_by": "the custody place 1 can't be written", "stopped_at": AT}))
    assert "stopped: the custody place 1 can't be written" in text
    assert "Nothing is destroyed. `tillit keys rotate` goes on." in text


def test_a_done_one_tells_what_was_proved_and_what_was_destroyed() -> None:
    done = {"stage": "done", "rewrapped": 100_000, "proved_keys": 100_000, "backup": "b", "destroyed": [1]}
    text = told(OPEN.model_copy(update={**done, "done_at": AT}))
    assert "100,000 keys under epoch 2, 100,000 of its backup b opened, epochs destroyed: 1" in text
