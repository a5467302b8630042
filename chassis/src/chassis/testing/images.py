"""Knows which image each test server runs from: the registry's where it can be had, else one built here from Debian."""

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import docker
import docker.errors
from docker import DockerClient
from requests.exceptions import RequestException

from chassis.testing.engine import RigUnavailableError, ensure_engine, need_programs, one_at_a_time, say

_DOCKERFILES = Path(__file__).parent / "dockerfiles"
_SUITE = "bookworm"
_BASE = f"tillit-test/base:{_SUITE}"
_CA_BUNDLE = Path("etc/ssl/certs/ca-certificates.crt")
_LEFT_OUT = ("--exclude=./var/cache/apt/archives/*.deb", "--exclude=./var/lib/apt/lists/*_*")
_SILENCE_LIMIT_SECONDS = 20
_BUILD_SILENCE_LIMIT_SECONDS = 600


@dataclass(frozen=True)
class Recipe:
    """An image by two ways; `tag` of the built one carries a digest of what it is built from."""

    registry_image: str
    folder: Path
    built_name: str
    context: tuple[str, ...]
    jars: bool = False

    @property
    def tag(self) -> str:
        digest = hashlib.sha256()
        for name in ("Dockerfile", *self.context):
            digest.update(name.encode() + b"\0" + (self.folder / name).read_bytes() + b"\0")
        return f"{self.built_name}-{digest.hexdigest()[:12]}"


POSTGRES = Recipe("postgres:15", _DOCKERFILES / "postgres", "tillit-test/postgres:15", ("entrypoint.sh",))
KAFKA = Recipe("apache/kafka:4.3.1", _DOCKERFILES / "kafka", "tillit-test/kafka:4.3.1", ("pom.xml",), jars=True)


def image_for(recipe: Recipe) -> str:
    """The name of an image that is present on this engine when this returns."""
    client = docker.from_env(timeout=_BUILD_SILENCE_LIMIT_SECONDS)
    try:
        with one_at_a_time("images"):
            return _image_for(client, recipe)
    finally:
        client.close()


def _image_for(client: DockerClient, recipe: Recipe) -> str:
    for present in (recipe.registry_image, recipe.tag):
        if _is_present(client, present):
            return present
    if _pulled(recipe.registry_image):
        return recipe.registry_image
    _build(client, recipe)
    _remove_superseded(client, recipe)
    return recipe.tag


def _is_present(client: DockerClient, image: str) -> bool:
    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        return False
    return True


def _pulled(image: str) -> bool:
    """One try; gives up when the registry has been silent for the limit, not when the download is long."""
    say(f"pulling {image} (gives up after {_SILENCE_LIMIT_SECONDS} s of silence)")
    client = docker.from_env(timeout=_SILENCE_LIMIT_SECONDS)
    repository, _, tag = image.rpartition(":")
    try:
        pulling = cast("Iterator[object]", client.api.pull(repository, tag=tag, stream=True))
        deque(pulling, maxlen=0)  # the pull is over when its stream is
        if _is_present(client, image):
            return True
        reason = "the download broke off"
    except (docker.errors.APIError, RequestException) as refusal:
        reason = type(refusal).__name__
    finally:
        client.close()
    say(f"no registry gives {image} here ({reason}): it is built from Debian's packages instead")
    return False


def _build(client: DockerClient, recipe: Recipe) -> None:
    _ensure_base(client)
    began = time.monotonic()
    say(f"building {recipe.tag}, once for this machine")
    with tempfile.TemporaryDirectory(prefix="tillit-image-") as folder:
        context = Path(folder)
        for name in ("Dockerfile", *recipe.context):
            shutil.copy(recipe.folder / name, context / name)
        if recipe.jars:
            _fetch_jars(context)
        # the host's network, so that a resolver on the host's loopback serves the build too
        answers = client.api.build(
            path=folder,
            tag=recipe.tag,
            buildargs={"BASE": _BASE},
            rm=True,
            forcerm=True,
            network_mode="host",
            decode=True,
        )
        follow_build(cast("Iterator[Mapping[str, object]]", answers), recipe.tag)
    say(f"built {recipe.tag} in {time.monotonic() - began:.0f} s")


def follow_build(answers: Iterator[Mapping[str, object]], tag: str) -> None:
    """Say each step aloud, and fail with the build's own last words."""
    last: list[str] = []
    for answer in answers:
        text = str(answer.get("stream", "")).rstrip()
        if text.startswith("Step "):
            say(f"  {text}")
        last = [*last[-14:], text] if text else last
        if "error" in answer:
            tail = "\n".join(last)
            raise RigUnavailableError(f"{tag} could not be built: {answer['error']}\nIts last words:\n{tail}")


def _fetch_jars(context: Path) -> None:
    need_programs({"mvn": "maven"})
    say("fetching Kafka's jars from Maven Central (54 MB the first time)")
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=libs"]
    _run(["mvn", "-q", "-B", *goal], cwd=context)


def _ensure_base(client: DockerClient) -> None:
    if _is_present(client, _BASE):
        return
    if os.geteuid() != 0:
        raise RigUnavailableError(
            "No registry gives the images of Kafka and PostgreSQL, and only root can build them (debootstrap). "
            "The cure: run ./test once as root, or load postgres:15 and apache/kafka:4.3.1 by `docker load`."
        )
    need_programs({"debootstrap": "debootstrap", "tar": "tar"})
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tillit-debian-") as folder:
        root = Path(folder) / "root"
        _bootstrap(root)
        say(f"importing it as {_BASE}")
        with subprocess.Popen(["tar", *_LEFT_OUT, "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as tar:
            repository, _, tag = _BASE.rpartition(":")
            client.api.import_image_from_stream(tar.stdout, repository=repository, tag=tag)
        if tar.returncode != 0:
            client.images.remove(_BASE)
            raise RigUnavailableError(f"tar ended with {tar.returncode} while packing {_BASE}; is the disk full?")
    say(f"built {_BASE} in {time.monotonic() - began:.0f} s")


def _bootstrap(root: Path) -> None:
    say(f"building a minimal Debian {_SUITE} with debootstrap")
    command = ["debootstrap", "--variant=minbase", _SUITE, str(root)]
    try:
        _run(command)
    except RigUnavailableError:
        mirror = _mirror_of_this_host()
        if mirror is None:
            raise
        say(f"Debian's default mirror did not serve: trying this host's own, {mirror}")
        shutil.rmtree(root, ignore_errors=True)
        _run([*command, mirror])
        if mirror.startswith("https:"):
            # apt inside must trust what apt outside trusts; the bundle holds public certificates only
            (root / _CA_BUNDLE).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path("/") / _CA_BUNDLE, root / _CA_BUNDLE)


def _mirror_of_this_host() -> str | None:
    question = [
        "apt-get",
        "indextargets",
        "--format",
        "$(SITE) $(RELEASE)",
        "Created-By: Packages",
        f"Codename: {_SUITE}",
    ]
    answer = subprocess.run(question, capture_output=True, text=True)
    sites = [line.split()[0] for line in answer.stdout.splitlines() if line.endswith(f" {_SUITE}")]
    return sites[0] if sites else None


def _run(command: list[str], cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise RigUnavailableError(f"`{' '.join(command)}` failed on {platform.node()}; its last words:\n{tail}")


def _remove_superseded(client: DockerClient, recipe: Recipe) -> None:
    """Builds of an older recipe leave the disk, unless a container still runs from one."""
    for image in client.images.list(name=recipe.tag.rpartition(":")[0]):
        for tag in image.tags:
            if tag != recipe.tag:
                try:
                    client.images.remove(tag)
                except docker.errors.APIError:
                    say(f"{tag} is in use and stays")


def prepare() -> None:
    """Have every image present, before the tests and beside nothing else: `python -m chassis.testing.images`."""
    ensure_engine()
    for recipe in (POSTGRES, KAFKA):
        say(f"{recipe.registry_image}: {image_for(recipe)}")


if __name__ == "__main__":
    prepare()
