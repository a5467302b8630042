import asyncio
import os
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest
import pytest_asyncio
from local_stack import postgres
from local_stack.failure import StackError
from local_stack.guests import admit
from local_stack.passwords import DATABASES, SUPERUSER, Passwords, make_passwords, owner_role
from local_stack.ports import Ports
from local_stack.probes import connect
from local_stack.state_folder import StateFolder
from local_stack.status import ProcessStatus
from local_stack.supervised_process import SupervisedProcess


@dataclass(frozen=True, slots=True)
class Server:
    """One server for all these tests, each with tables of its own."""

    state: StateFolder
    ports: Ports
    passwords: Passwords

    def dsn(self, role: str, database: str) -> str:
        return self.passwords.dsn(self.ports, role, database)


@pytest_asyncio.fixture(scope="module", loop_scope="session", name="server")
async def running_server(shared_state: StateFolder, shared_ports: Ports) -> AsyncIterator[Server]:
    """It runs as the stack runs it."""
    made = make_passwords(shared_state)
    files = postgres.prepare_files(shared_state)
    await postgres.make_server(files, made, shared_state.log_of("postgres"))
    process = postgres.server(files, shared_state, shared_ports, made)
    server = SupervisedProcess(process, ProcessStatus("postgres", ""), lambda: None)
    await server.start()
    await postgres.make_databases(shared_ports, made)
    yield Server(shared_state, shared_ports, made)
    await server.stop()
    postgres.remove_outside_home(shared_state)


async def test_a_service_may_not_change_the_schema_that_its_owner_role_makes(server: Server) -> None:
    for database in DATABASES:
        owner = await connect(server.dsn(owner_role(database), database))
        await owner.execute("CREATE TABLE things (thing text)")
        await owner.execute(f"GRANT SELECT, INSERT ON things TO {database}")
        await owner.close()
        service = await connect(server.dsn(database, database))
        await service.execute("INSERT INTO things (thing) VALUES ('one')")
        for refused in ("CREATE TABLE others (other text)", "DROP TABLE things", "DELETE FROM things"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await service.execute(refused)
        await service.close()


async def test_a_service_can_not_enter_another_services_database(server: Server) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connect(server.dsn("notifications", "profile"))


async def test_a_guest_gets_a_database_with_two_roles_and_cannot_enter_ours(server: Server) -> None:
    first = await admit(server.state, server.ports, "partner-board")
    again = await admit(server.state, server.ports, "partner-board")
    assert first["TILLIT_DATABASE_URL"] == again["TILLIT_DATABASE_URL"]
    owner = await connect(first["TILLIT_MIGRATION_DATABASE_URL"])
    await owner.execute("CREATE TABLE things (thing text)")
    await owner.close()
    guest = await connect(first["TILLIT_DATABASE_URL"])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await guest.execute("DROP TABLE things")
    await guest.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connect(first["TILLIT_DATABASE_URL"].removesuffix("partner_board") + "profile")


@pytest.mark.parametrize("name", ["profile", "audit-log", "login", "operator", "Partner", "a;b", "a_b", ""])
async def test_a_guest_with_a_name_of_ours_or_no_name_is_refused(name: str, state: StateFolder, ports: Ports) -> None:
    with pytest.raises(StackError, match="can't be named"):
        await admit(state, ports, name)


async def test_a_wrong_password_is_refused(server: Server) -> None:
    dsn = server.dsn("profile", "profile").replace(server.passwords.of("profile"), "wrong")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await connect(dsn)


async def test_making_the_databases_again_keeps_what_is_in_them(server: Server) -> None:
    owner = await connect(server.dsn("profile_owner", "profile"))
    await owner.execute("CREATE TABLE kept (thing text)")
    await postgres.make_databases(server.ports, server.passwords)
    await owner.execute("INSERT INTO kept (thing) VALUES ('one')")
    await owner.close()


async def test_what_is_stored_is_not_compressed(server: Server) -> None:
    admin = await connect(server.dsn(SUPERUSER, "postgres"))
    assert await admin.fetchval("SHOW wal_compression") == "off"
    await admin.close()


async def test_the_server_log_never_shows_the_values_of_a_refused_row(server: Server) -> None:
    owner = await connect(server.dsn("profile_owner", "profile"))
    await owner.execute("CREATE TABLE people (place text PRIMARY KEY, note text NOT NULL)")
    await owner.execute("INSERT INTO people (place, note) VALUES ($1, $2)", "Vadsoe", "secret-1")
    with pytest.raises(asyncpg.UniqueViolationError):
        await owner.execute("INSERT INTO people (place, note) VALUES ($1, $2)", "Vadsoe", "secret-2")
    with pytest.raises(asyncpg.NotNullViolationError):
        await owner.execute("INSERT INTO people (place, note) VALUES ($1, $2)", "Bodoe", None)
    await owner.close()
    log = await asyncio.to_thread(server.state.log_of("postgres").read_text)
    assert "violates" in log
    assert not [word for word in ("Vadsoe", "Bodoe", "secret") if word in log]


def test_passwords_are_made_once_and_readable_by_their_owner_only(state: StateFolder) -> None:
    first = make_passwords(state)
    assert make_passwords(state).of("profile") == first.of("profile")
    assert stat.S_IMODE(state.passwords.stat().st_mode) == 0o600
    assert len({first.of(role) for role in (*DATABASES, *map(owner_role, DATABASES), SUPERUSER)}) == 9


async def test_data_is_where_the_user_of_postgres_can_reach_it_and_is_gone_after_a_wipe(state: StateFolder) -> None:
    """Under root that is another user, who may not enter this folder."""
    state.root.chmod(0o700)
    files = postgres.prepare_files(state)
    await postgres.make_server(files, make_passwords(state), state.log_of("postgres"))
    assert files.data.is_relative_to(state.root) is (os.geteuid() != 0)
    assert postgres.data_folder(state) == files.data
    assert "PG_VERSION" in os.listdir(files.data)
    postgres.remove_outside_home(state)
    assert files.home.exists() is files.home.is_relative_to(state.root)
