"""Which port each process listens on, and whether it is free."""

import errno
import socket
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from local_stack.failure import StackError

if TYPE_CHECKING:
    from collections.abc import Mapping

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Ports:
    """One port per listener; the field's name is what `--port NAME=NUMBER` and `TILLIT_PORT_<NAME>` take."""

    postgres: int = 25432
    kafka: int = 29092
    kafka_controller: int = 29093
    smtp: int = 22525
    mail: int = 28025
    witness: int = 28026
    profile: int = 28101
    notifications: int = 28102
    audit_log: int = 28103
    retention: int = 28104

    def items(self) -> list[tuple[str, int]]:
        return [(field.name, int(getattr(self, field.name))) for field in fields(self)]

    def with_changes(self, changes: "Mapping[str, int]") -> "Ports":
        """The same ports but these; an unknown name, an impossible number or a number used twice is refused."""
        known = port_names()
        for name, number in changes.items():
            if name not in known:
                raise StackError(f"there is no port named {name!r}; the names are {', '.join(known)}")
            if not 0 < number < 65536:
                raise StackError(f"port {name} can't be {number}: choose one from 1 to 65535")
        changed = replace(self, **changes)
        owners: dict[int, str] = {}
        for name, number in changed.items():
            if number in owners:
                raise StackError(
                    f"ports {owners[number]} and {name} are both {number}: "
                    f"change one with --port {name}=NUMBER or {variable_of(name)}"
                )
            owners[number] = name
        return changed


def port_names() -> list[str]:
    return [field.name for field in fields(Ports)]


def variable_of(name: str) -> str:
    return f"TILLIT_PORT_{name.upper()}"


def refuse_taken(ports: Ports) -> None:
    """Raise for the first port that something else listens on, naming the setting that changes it."""
    for name, number in ports.items():
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, number))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
                raise StackError(
                    f"port {number} ({name}) can't be used: {error.strerror}; "
                    f"choose another with --port {name}=NUMBER or {variable_of(name)}=NUMBER"
                ) from error
