"""The rig says what it can't have and how to get it, and cleans up after runs that were killed."""

import gc
import os
import socket
import subprocess
from pathlib import Path

import pytest
from chassis.testing.containers import Postgres, free_port
from chassis.testing.engine import RigUnavailableError, engine_answers, ensure_engine, need_programs, why_not_started
from chassis.testing.images import Recipe, follow_build
from chassis.testing.ownership import labels_of, remove_left_behind
from testcontainers.core.container import DockerContainer


def test_without_an_engine_and_without_root_the_error_names_the_commands_that_cure_it() -> None:
    with pytest.raises(RigUnavailableError, match=r"apt-get install .* docker\.io"):
        ensure_engine(answers=lambda: False, may_install=lambda: False)


def test_an_engine_that_answers_is_left_alone() -> None:
    ensure_engine(answers=lambda: True, may_install=lambda: pytest.fail("asked for rights it does not need"))


def test_no_engine_at_all_and_an_engine_that_says_nothing_sensible_are_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    assert not engine_answers()
    gc.collect()  # a socket left open would be reported here, as an error
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(f"{tmp_path}/deaf.sock")
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/deaf.sock")
        assert not engine_answers()


def test_programs_that_are_present_are_not_installed_again() -> None:
    need_programs({"sh": "no-such-package"})


def test_an_engine_that_ends_is_reported_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "dockerd.log"
    log.write_text("starting\nfailed to register bridge driver: iptables failed: Permission denied\n")
    report = why_not_started(log)
    assert "Permission denied" in report
    assert "iptables-legacy" in report


def test_an_image_is_built_anew_when_what_it_is_built_from_changes(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    (tmp_path / "entrypoint.sh").write_text("first")
    recipe = Recipe("registry/image:1", tmp_path, "tillit-test/image:1", ("entrypoint.sh",))
    before = recipe.tag
    assert recipe.tag == before
    (tmp_path / "entrypoint.sh").write_text("second")
    assert recipe.tag != before


def test_a_build_that_fails_ends_with_its_own_last_words() -> None:
    answers = [{"stream": "Step 1/2 : RUN apt-get update\n"}, {"stream": "no space left"}, {"error": "exit code 100"}]
    with pytest.raises(RigUnavailableError, match=r"(?s)exit code 100.*no space left"):
        follow_build(iter(answers), "tillit-test/image:1")


def test_ports_of_servers_are_never_those_the_kernel_gives_to_clients() -> None:
    first, _ = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert free_port() < int(first)


def test_containers_of_a_killed_run_are_removed_and_those_of_a_living_run_stay(postgres: Postgres) -> None:
    killed = subprocess.Popen(["sleep", "60"])
    left_behind = idle_container(postgres.image, labels_of(killed.pid))
    identity = left_behind.get_container_id()
    alive = idle_container(postgres.image, labels_of(os.getpid()))
    try:
        killed.kill()
        killed.wait()
        remove_left_behind()
        names = {container.id for container in alive.get_docker_client().client.containers.list(all=True)}
        assert identity not in names
        assert alive.get_container_id() in names
    finally:
        alive.stop()
        left_behind.get_docker_client().client.close()


def idle_container(image: str, labels: dict[str, str]) -> DockerContainer:
    return DockerContainer(image).with_kwargs(labels=labels, entrypoint=["sleep", "60"]).start()
