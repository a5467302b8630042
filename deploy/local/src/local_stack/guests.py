"""Lets a service that is none of ours take part in a local stack: a key that all trust, a database, its settings."""

import re
import socket
from typing import Final

from local_stack import keys, postgres
from local_stack.failure import StackError
from local_stack.passwords import DATABASES, Passwords, add_password, owner_role
from local_stack.ports import HOST, Ports
from local_stack.state_folder import StateFolder

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


async def admit(state: StateFolder, ports: Ports, name: str, http_port: int | None = None) -> dict[str, str]:
    """Make what is missing, and answer the service's settings. The running services trust its key at once.

    Raises:
        StackError: the name is not one that a service may have.
    """
    database = name.replace("-", "_")
    if not _NAME.fullmatch(name) or name in (*keys.SERVICE_KIDS, *keys.NO_SERVICES) or database in DATABASES:
        raise StackError(f"a guest can't be named {name!r}: lower-case words joined by `-`, and none of our services")
    for role in (database, owner_role(database)):
        passwords = add_password(state, role)
    await postgres.make_databases(ports, passwords, [database])
    keys.make_keys(state, guest=name)
    return _settings(state, ports, passwords, name, http_port or _free_port())


def _settings(state: StateFolder, ports: Ports, passwords: Passwords, name: str, http_port: int) -> dict[str, str]:
    database = name.replace("-", "_")
    return {
        "TILLIT_DATABASE_URL": passwords.dsn(ports, database, database),
        "TILLIT_MIGRATION_DATABASE_URL": passwords.dsn(ports, owner_role(database), database),
        "TILLIT_KAFKA_BOOTSTRAP": f"{HOST}:{ports.kafka}",
        "TILLIT_HTTP_HOST": HOST,
        "TILLIT_HTTP_PORT": str(http_port),
        "TILLIT_KEYRING_URL": f"http://{HOST}:{ports.retention}",
        "TILLIT_SERVICE_KEY_FILE": str(keys.key_file(state, name)),
        "TILLIT_SERVICE_JWKS_FILE": str(keys.services_jwks(state)),
        "TILLIT_LOGIN_JWKS_FILE": str(keys.login_jwks(state)),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
