"""Imports every module of the packages given, in a process whose sockets refuse to connect and whose environment is
empty of ours. Run by `test_nothing_opens_at_import.py`; exits with the first module that breaks the law."""

import importlib
import pkgutil
import socket
import sys
from typing import NoReturn


class OpenedAtImport(Exception):
    """A module connected while it was imported."""


def _refuse(*_: object, **__: object) -> NoReturn:
    raise OpenedAtImport


def main(packages: list[str]) -> int:
    for name in ("connect", "connect_ex", "bind", "sendto"):
        setattr(socket.socket, name, _refuse)
    socket.create_connection = _refuse
    socket.getaddrinfo = _refuse
    count = 0
    for package in packages:
        root = importlib.import_module(package)
        names = [package, *(found.name for found in pkgutil.walk_packages(root.__path__, f"{package}."))]
        for name in names:
            if name.endswith("__main__"):
                continue
            try:
                importlib.import_module(name)
            except OpenedAtImport:
                sys.stdout.write(
                    f"{name} opens a connection when it is imported: open it in Service.open or where it is used\n"
                )
                return 1
            count += 1
    sys.stdout.write(f"{count} modules imported\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
