"""Apache Kafka, one node: fetched from Maven Central once, formatted once, started with little memory."""

import hashlib
import re
import shutil
import tempfile
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from local_stack.failure import StackError
from local_stack.ports import HOST, Ports
from local_stack.probes import kafka_ready
from local_stack.settings import inherited
from local_stack.state_folder import StateFolder
from local_stack.supervised_process import ProcessSpec
from local_stack.tied_process import run_step

_BROKER = ["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true"]
_TOOL = ["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
_DOWNLOADED = re.compile(r"Downloaded from \S+: \S+\.jar \(([\d.,]+) ([kM]?B)")
_MEGABYTES = {"B": 1e-6, "kB": 1e-3, "MB": 1.0}

Tell = Callable[[str], None]


def packaged(name: str) -> str:
    """A file that is shipped beside this module."""
    return resources.files("local_stack").joinpath("kafka_dist", name).read_text()


def jars_folder(downloads: Path) -> Path:
    """Named by the exact list of artifacts, so that a changed list is fetched anew."""
    return downloads / f"kafka-{hashlib.sha256(packaged('pom.xml').encode()).hexdigest()[:12]}"


async def fetch_jars(downloads: Path, log: Path, tell: Tell) -> Path:
    """The folder with the jars, complete: it appears under its name only when everything is there."""
    target = jars_folder(downloads)
    if target.exists():
        tell("already downloaded")
        return target
    mvn = shutil.which("mvn")
    if mvn is None:
        raise StackError("Maven is missing, it fetches Apache Kafka: apt-get install -y maven")
    with _draft(downloads) as draft:
        (Path(draft) / "pom.xml").write_text(packaged("pom.xml"))
        command = [mvn, "-B", "-C", "-f", f"{draft}/pom.xml", "dependency:copy-dependencies"]
        command += ["-DincludeScope=runtime", f"-DoutputDirectory={draft}/libs"]
        tell("asking Maven for the list")
        await run_step(
            command,
            what="downloading Apache Kafka with Maven",
            environment=inherited({}),
            log=log,
            on_line=_Progress(tell).line,
        )
        if not target.exists():
            (Path(draft) / "libs").rename(target)
    return target


def _draft(downloads: Path) -> "tempfile.TemporaryDirectory[str]":
    downloads.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=downloads, prefix="kafka-partial-")


class _Progress:
    """Turns Maven's lines into how much has come so far."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._files = 0
        self._megabytes = 0.0

    def line(self, line: str) -> None:
        if match := _DOWNLOADED.search(line):
            self._files += 1
            self._megabytes += float(match[1].replace(",", ".")) * _MEGABYTES[match[2]]
            self._tell(f"downloaded {self._files} files, {self._megabytes:.0f} MB")


async def format_storage(state: StateFolder, ports: Ports, jars: Path, log: Path) -> None:
    """Write the configuration for these ports; make the cluster's storage if there is none."""
    properties = state.kafka / "server.properties"
    values = {"port": ports.kafka, "controller_port": ports.kafka_controller, "data": state.kafka_data}
    text = packaged("server.properties")
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    properties.write_text(text)
    (state.kafka / "log4j2.xml").write_text(packaged("log4j2.xml"))
    if (state.kafka_data / "meta.properties").exists():
        return
    cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # a leading dash would be read as an option
    cluster_id = cluster_id.replace("-", "A", 1) if cluster_id.startswith("-") else cluster_id
    command = [_java(), *_TOOL, "-cp", f"{jars}/*", "kafka.tools.StorageTool", "format"]
    command += ["-c", str(properties), "-t", cluster_id, "--ignore-formatted"]
    await run_step(command, what="formatting Kafka's storage", environment=inherited({}), log=log)


def broker(state: StateFolder, ports: Ports, jars: Path) -> ProcessSpec:
    logging = f"-Dlog4j2.configurationFile={state.kafka / 'log4j2.xml'}"
    properties = str(state.kafka / "server.properties")
    return ProcessSpec(
        name="kafka",
        command=[_java(), *_BROKER, logging, "-cp", f"{jars}/*", "kafka.Kafka", properties],
        environment=inherited({}),
        log=state.log_of("kafka"),
        url=f"{HOST}:{ports.kafka}",
        probe=kafka_ready(ports.kafka),
        stop_seconds=20.0,
    )


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        raise StackError(
            "Java 17 or newer is missing, Apache Kafka runs on it: apt-get install -y default-jre-headless"
        )
    return java
