"""Builds each service from its own `app.py`, unopened: what it declares can be read without a server."""

import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final, cast

from chassis.service import Service
from chassis.settings import ServiceSettings

from .house import SERVICES

_NOWHERE: Final = Path("/nowhere")
_SETTINGS: Final[dict[str, object]] = {
    "database_url": "postgresql://role:pw@127.0.0.1:1/database",
    "kafka_bootstrap": "127.0.0.1:1",
    "keyring_url": "http://127.0.0.1:1",
    "service_key_file": _NOWHERE,
    "service_jwks_file": _NOWHERE,
    "login_jwks_file": _NOWHERE,
    "login_key_file": _NOWHERE,
    "kek_dir": _NOWHERE,
    "log_dir": _NOWHERE,
    "log_key_file": _NOWHERE,
    "log_origin": "log.example",
    "smtp_url": "smtp://127.0.0.1:1",
    "mail_from": "portal@tillit.example",
    "portal_url": "https://portal.example",
    "public_url": "https://retention.example",
}
"""Valid, and of nothing that exists: building opens and reads nothing."""


def settings_class(name: str) -> type[ServiceSettings]:
    """The one settings class of a service."""
    module = import_module(f"{SERVICES[name]}.settings")
    found = [
        member
        for member in vars(module).values()
        if inspect.isclass(member) and issubclass(member, ServiceSettings) and member.__module__ == module.__name__
    ]
    assert len(found) == 1, f"{module.__name__} must hold one subclass of ServiceSettings"
    return found[0]


def built(name: str) -> Service:
    """The service as its `app.py` wires it."""
    app = import_module(f"{SERVICES[name]}.app")
    build = cast("Callable[[ServiceSettings], Service]", app.build)
    return build(settings_class(name).model_validate(_SETTINGS))
