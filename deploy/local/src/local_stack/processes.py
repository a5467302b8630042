"""The processes beside Kafka and PostgreSQL: mail catcher, witness and the four services, and their settings."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from local_stack import keys
from local_stack.passwords import Passwords, owner_role
from local_stack.ports import HOST, Ports
from local_stack.probes import http_ready
from local_stack.settings import chosen, inherited
from local_stack.state_folder import StateFolder
from local_stack.supervised_process import ProcessSpec


@dataclass(frozen=True)
class Service:
    """One service: its name (also its key's), its database (also its port's name), and how to run it in a role."""

    name: str
    database: str
    command: Callable[[str], Sequence[str]]

    def port(self, ports: Ports) -> int:
        return dict(ports.items())[self.database]

    def url(self, ports: Ports) -> str:
        return f"http://{HOST}:{self.port(ports)}"


def _module(name: str) -> Callable[[str], Sequence[str]]:
    return lambda role: [sys.executable, "-m", name, role]


SERVICES = (
    Service("retention", "retention", _module("retention_service.app")),
    Service("profile", "profile", _module("profile_service.app")),
    Service("notifications", "notifications", _module("notifications_service.app")),
    Service("audit-log", "audit_log", _module("audit_log_service.app")),
)


def mail_catcher(state: StateFolder, ports: Ports) -> ProcessSpec:
    command = [sys.executable, "-m", "local_stack.mail_catcher", "--folder", str(state.mails)]
    command += ["--smtp-port", str(ports.smtp), "--http-port", str(ports.mail)]
    return ProcessSpec(
        name="mail",
        command=command,
        environment=inherited({}),
        log=state.log_of("mail"),
        url=f"http://{HOST}:{ports.mail}",
        probe=http_ready(ports.mail),
    )


def witness(state: StateFolder, ports: Ports) -> ProcessSpec:
    command = [sys.executable, "-m", "local_stack.witness", "--name", keys.WITNESS_NAME]
    command += ["--key-file", str(keys.key_file(state, keys.WITNESS_KID)), "--log", str(keys.log_key(state))]
    command += ["--folder", str(state.witness), "--http-port", str(ports.witness)]
    return ProcessSpec(
        name="witness",
        command=command,
        environment=inherited({}),
        log=state.log_of("witness"),
        url=f"http://{HOST}:{ports.witness}",
        probe=http_ready(ports.witness),
    )


def running(service: Service, state: StateFolder, ports: Ports, passwords: Passwords) -> ProcessSpec:
    return ProcessSpec(
        name=service.name,
        command=service.command("all"),
        environment=service_environment(service, state, ports, passwords, role="all"),
        log=state.log_of(service.name),
        url=service.url(ports),
        probe=http_ready(service.port(ports)),
    )


def service_environment(
    service: Service, state: StateFolder, ports: Ports, passwords: Passwords, *, role: str
) -> dict[str, str]:
    """The settings of one service. The owner's password goes to the role `migrate` only."""
    ours = {
        "TILLIT_DATABASE_URL": passwords.dsn(ports, service.database, service.database),
        "TILLIT_KAFKA_BOOTSTRAP": f"{HOST}:{ports.kafka}",
        "TILLIT_HTTP_HOST": HOST,
        "TILLIT_HTTP_PORT": str(service.port(ports)),
        "TILLIT_KEYRING_URL": f"http://{HOST}:{ports.retention}",
        "TILLIT_SERVICE_KEY_FILE": str(keys.key_file(state, service.name)),
        "TILLIT_SERVICE_JWKS_FILE": str(keys.services_jwks(state)),
        "TILLIT_LOGIN_JWKS_FILE": str(keys.login_jwks(state)),
        **_own_settings(service, state, ports),
    }
    if role == "migrate":
        owner = owner_role(service.database)
        ours["TILLIT_MIGRATION_DATABASE_URL"] = passwords.dsn(ports, owner, service.database)
    return inherited(ours)


def _own_settings(service: Service, state: StateFolder, ports: Ports) -> dict[str, str]:
    match service.name:
        case "profile":
            # here an erasure is to be watched, not waited for
            return {
                "TILLIT_LOGIN_KEY_FILE": str(keys.key_file(state, keys.LOGIN_KID)),
                "TILLIT_COOLING_OFF_HOURS": chosen("TILLIT_COOLING_OFF_HOURS", "0"),
            }
        case "notifications":
            return {
                "TILLIT_SMTP_URL": f"smtp://{HOST}:{ports.smtp}",
                "TILLIT_MAIL_FROM": chosen("TILLIT_MAIL_FROM", "portal@tillit.example"),
                "TILLIT_PORTAL_URL": chosen("TILLIT_PORTAL_URL", f"http://{HOST}:{ports.profile}"),
            }
        case "retention":
            return {
                "TILLIT_KEK_DIR": str(state.kek),
                "TILLIT_WEBHOOKS_TO_PRIVATE": chosen("TILLIT_WEBHOOKS_TO_PRIVATE", "true"),
                "TILLIT_PUBLIC_URL": chosen("TILLIT_PUBLIC_URL", f"http://{HOST}:{ports.retention}"),
                "TILLIT_FENCE_INTERVAL_SECONDS": chosen("TILLIT_FENCE_INTERVAL_SECONDS", "1"),
                "TILLIT_LOG_URL": f"http://{HOST}:{ports.audit_log}",
                "TILLIT_LOG_KEY": str(keys.log_key(state)),
                "TILLIT_WITNESS_KEYS": str(keys.witness_key(state)),
                "TILLIT_ERASURES_AT_LEAST": chosen("TILLIT_ERASURES_AT_LEAST", "100"),
            }
        case "audit-log":
            return {
                "TILLIT_LOG_DIR": str(state.log),
                "TILLIT_LOG_KEY_FILE": str(keys.key_file(state, keys.LOG_KID)),
                "TILLIT_LOG_ORIGIN": keys.LOG_ORIGIN,
                "TILLIT_WITNESS_URL": f"http://{HOST}:{ports.witness}",
                "TILLIT_WITNESS_KEY": str(keys.witness_key(state)),
            }
        case _:
            return {}
