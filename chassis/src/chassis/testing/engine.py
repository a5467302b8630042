"""Guarantees a Docker engine that answers, or an error that names the cure."""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.errors import DockerException
from docker.utils import kwargs_from_env, parse_host

ENGINE_LOG = Path("/var/log/tillit-dockerd.log")
_START_LIMIT_SECONDS = 60.0
_CURE_BY_HAND = """No Docker engine answers, and the tests of Kafka and PostgreSQL need one. The cure, once, on Debian:
    sudo apt-get install -y --no-install-recommends docker.io iptables
    sudo systemctl start docker          (without systemd: sudo sh -c 'dockerd >/var/log/dockerd.log 2>&1 &')
    sudo usermod -aG docker "$USER"      (then log in again)
Elsewhere: install Docker, start it, and see that `docker info` works for this user."""


class RigUnavailableError(RuntimeError):
    """What the tests run on can't be had here; the text is the cure."""


def say(text: str) -> None:
    """Tell the person at the terminal what is being done for them and why it takes time."""
    sys.stderr.write(f"tillit test: {text}\n")
    sys.stderr.flush()


def is_root_on_debian() -> bool:
    return os.geteuid() == 0 and Path("/etc/debian_version").exists()


def engine_answers() -> bool:
    if not _listens(str(parse_host(kwargs_from_env().get("base_url")))):
        return False
    try:
        client = docker.from_env(timeout=10)
    except DockerException:
        return False
    client.close()
    return True


def _listens(address: str) -> bool:
    """Whether anybody listens at this socket: Docker's own client leaves its end open where nobody does."""
    scheme, _, path = address.partition("://")
    if not scheme.endswith("unix"):
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


@contextmanager
def one_at_a_time(what: str) -> Generator[None]:
    """Two test runs on one machine don't start two engines, and don't build one image twice."""
    with (Path(tempfile.gettempdir()) / f"tillit-test-{what}-{os.geteuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure_engine(
    answers: Callable[[], bool] = engine_answers, may_install: Callable[[], bool] = is_root_on_debian
) -> None:
    """Return once an engine answers; starts (and installs) one as root on Debian, raises with the cure elsewhere."""
    if answers():
        return
    if not may_install():
        raise RigUnavailableError(_CURE_BY_HAND)
    with one_at_a_time("engine"):
        if answers():
            return
        need_programs({"dockerd": "docker.io", "iptables": "iptables"})
        if not answers():
            _wait(_start(), answers)


def need_programs(packages: dict[str, str]) -> None:
    """Every program named is on the path afterwards: its Debian package is installed, or the error says how."""
    missing = sorted({package for program, package in packages.items() if shutil.which(program) is None})
    if not missing:
        return
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing]
    if not is_root_on_debian():
        raise RigUnavailableError(f"Missing: {', '.join(missing)}. The cure: sudo {' '.join(install)}")
    say(f"installing {', '.join(missing)} from Debian's packages")
    _apt(["apt-get", "update", "-q"])
    _apt(install)


def _apt(command: Sequence[str]) -> None:
    done = subprocess.run(
        ["env", "DEBIAN_FRONTEND=noninteractive", *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise RigUnavailableError(f"`{' '.join(command)}` failed; the cure is in its own words:\n{tail}")


def _start() -> subprocess.Popen[bytes] | None:
    if Path("/run/systemd/system").exists():
        say("no Docker engine answers: starting it by systemd")
        subprocess.run(["systemctl", "start", "docker"], check=False)
        return None
    say(f"no Docker engine answers: starting dockerd in the background (log: {ENGINE_LOG}, pid: /var/run/docker.pid)")
    with ENGINE_LOG.open("ab") as log:
        # its own session, so that it outlives this test run and Ctrl-C doesn't reach it
        return subprocess.Popen(
            ["dockerd", "--log-level=warn"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def _wait(process: subprocess.Popen[bytes] | None, answers: Callable[[], bool]) -> None:
    began = time.monotonic()
    while time.monotonic() - began < _START_LIMIT_SECONDS:
        if answers():
            say(f"the Docker engine answers after {time.monotonic() - began:.1f} s")
            if process is not None:
                # it is meant to outlive us: without this the interpreter warns of a child still running
                process.returncode = 0
            return
        if process is not None and process.poll() is not None:
            break
        time.sleep(0.2)
    raise RigUnavailableError(why_not_started(ENGINE_LOG))


def why_not_started(log: Path) -> str:
    """The engine's last words and what to do about them."""
    lines = log.read_text(errors="replace").splitlines()[-12:] if log.exists() else []
    tail = "\n    ".join(lines) or "(it said nothing)"
    cure = f"read {log} or `journalctl -u docker`, start the engine so that `docker info` works, and run again"
    if any("iptables" in line for line in lines):
        cure = (
            "the kernel refuses nftables; run `update-alternatives --set iptables /usr/sbin/iptables-legacy`, or give "
            "this container CAP_NET_ADMIN, and run again"
        )
    return f"The Docker engine did not start. Its last words:\n    {tail}\nThe cure: {cure}."
