"""The database passwords of a stack: made at its first start, stored readable by its owner only."""

import json
import secrets
from typing import cast

from local_stack.failure import StackError
from local_stack.ports import HOST, Ports
from local_stack.state_folder import StateFolder, write_private

SUPERUSER = "postgres"
DATABASES = ("profile", "notifications", "audit_log", "retention")


def owner_role(database: str) -> str:
    """The role that the database belongs to and migrations run under; the service itself runs under a lesser one."""
    return f"{database}_owner"


class Passwords:
    """One password per role. They are made of letters, digits, `-` and `_`: safe in a URL and in SQL."""

    def __init__(self, by_role: dict[str, str]) -> None:
        self._by_role = by_role

    @property
    def by_role(self) -> dict[str, str]:
        return dict(self._by_role)

    def of(self, role: str) -> str:
        return self._by_role[role]

    def dsn(self, ports: Ports, role: str, database: str) -> str:
        return f"postgresql://{role}:{self.of(role)}@{HOST}:{ports.postgres}/{database}"


def stored_passwords(state: StateFolder) -> Passwords:
    if not state.passwords.exists():
        raise StackError(f"there is no stack in {state.root}: `tillit up` makes one")
    return Passwords(cast("dict[str, str]", json.loads(state.passwords.read_text())))


def make_passwords(state: StateFolder) -> Passwords:
    """The stored ones; what is missing is made."""
    if not state.passwords.exists():
        roles = [SUPERUSER, *DATABASES, *(owner_role(database) for database in DATABASES)]
        write_private(state.passwords, json.dumps({role: secrets.token_urlsafe(24) for role in roles}, indent=1))
    return stored_passwords(state)


def add_password(state: StateFolder, role: str) -> Passwords:
    """The stored ones, with one for this role, which is made unless it has one."""
    known = stored_passwords(state).by_role
    if role not in known:
        write_private(state.passwords, json.dumps({**known, role: secrets.token_urlsafe(24)}, indent=1))
    return stored_passwords(state)
