import socket

import pytest
from local_stack.failure import StackError
from local_stack.ports import HOST, Ports, refuse_taken
from local_stack.state_folder import StateFolder


def test_a_taken_port_is_refused_with_the_setting_that_changes_it(ports: Ports) -> None:
    with socket.socket() as other:
        other.bind((HOST, ports.kafka))
        other.listen()
        with pytest.raises(StackError, match=rf"{ports.kafka} \(kafka\).*--port kafka=NUMBER or TILLIT_PORT_KAFKA"):
            refuse_taken(ports)


def test_free_ports_are_accepted(ports: Ports) -> None:
    refuse_taken(ports)


def test_one_number_for_two_ports_is_refused() -> None:
    with pytest.raises(StackError, match="kafka and kafka_controller are both 29093"):
        Ports().with_changes({"kafka": 29093})


def test_an_unknown_port_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(StackError, match=r"no port named 'kafak'.*kafka_controller"):
        Ports().with_changes({"kafak": 1})


@pytest.mark.parametrize("number", [0, -1, 65536])
def test_an_impossible_port_number_is_refused(number: int) -> None:
    with pytest.raises(StackError, match="choose one from 1 to 65535"):
        Ports().with_changes({"kafka": number})


def test_the_ports_of_the_last_start_are_remembered(state: StateFolder, ports: Ports) -> None:
    state.remember_ports(ports)
    assert state.remembered_ports() == ports
