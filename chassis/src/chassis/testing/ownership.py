"""Knows which test run a container belongs to, so that what a killed run left behind is removed by the next one."""

import platform
from contextlib import suppress
from pathlib import Path
from typing import cast

import docker
from docker.errors import APIError, NotFound

from chassis.testing.engine import say

_HOST_LABEL = "tillit.test.host"
_OWNER_LABEL = "tillit.test.owner"


def labels_of(pid: int) -> dict[str, str]:
    """What a container that this process starts must bear."""
    return {_HOST_LABEL: platform.node(), _OWNER_LABEL: _identity(str(pid))}


def remove_left_behind() -> None:
    """Remove this host's test containers whose owner is gone; another run's stay."""
    client = docker.from_env()
    try:
        for container in client.containers.list(
            all=True,
            filters={"label": f"{_HOST_LABEL}={platform.node()}"},
            ignore_removed=True,  # another run may end one while they are listed
        ):
            labels = cast("dict[str, str]", container.labels)
            owner = labels.get(_OWNER_LABEL, "")
            if _identity(owner.partition("-")[0]) == owner:
                continue
            say(f"removing {container.name}, which an earlier run left behind")
            # another run may be removing it at this moment
            with suppress(NotFound, APIError):
                container.remove(force=True, v=True)
    finally:
        client.close()


def _identity(pid: str) -> str:
    """Process id and start time: an id alone is given out again."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    except FileNotFoundError:
        return "gone"
    return f"{pid}-{fields[2].split()[19]}"
