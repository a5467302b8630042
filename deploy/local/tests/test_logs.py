import pytest
from local_stack.failure import StackError
from local_stack.logs import read_logs
from local_stack.state_folder import StateFolder


def test_the_last_lines_of_each_log_come_with_its_name(state: StateFolder) -> None:
    state.log_of("kafka").write_text("one\ntwo\nthree\n")
    state.log_of("mail").write_text("four\n")
    assert list(read_logs(state.logs, None, 2, follow=False)) == [
        ("kafka", "two"),
        ("kafka", "three"),
        ("mail", "four"),
    ]


def test_an_unknown_name_is_refused_with_the_known_ones(state: StateFolder) -> None:
    state.log_of("kafka").write_text("one\n")
    with pytest.raises(StackError, match=r"no log of 'kafak'.*kafka"):
        list(read_logs(state.logs, "kafak", 2, follow=False))


def test_a_folder_without_logs_is_told_instead_of_shown_as_silence(state: StateFolder) -> None:
    with pytest.raises(StackError, match=r"no logs in .*tillit up"):
        list(read_logs(state.logs, None, 2, follow=False))


def test_following_gives_whole_lines_as_they_come_and_survives_a_log_begun_anew(state: StateFolder) -> None:
    log = state.log_of("kafka")
    log.write_text("old\n")
    lines = read_logs(state.logs, "kafka", 1, follow=True)
    assert next(lines) == ("kafka", "old")
    with log.open("a") as file:
        file.write("new\nhalf a li")
    assert next(lines) == ("kafka", "new")
    with log.open("a") as file:
        file.write("ne\n")
    assert next(lines) == ("kafka", "half a line")
    log.write_text("anew\n")
    assert next(lines) == ("kafka", "anew")
