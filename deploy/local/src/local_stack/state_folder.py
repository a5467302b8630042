"""Where each thing lies in the state folder of one local stack."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from local_stack.failure import StackError
from local_stack.ports import Ports


@dataclass(frozen=True)
class StateFolder:
    """The one ignored folder that holds everything a stack writes, unless PostgreSQL's user can't reach it."""

    root: Path

    @property
    def lock(self) -> Path:
        return self.root / "supervisor.lock"

    @property
    def status(self) -> Path:
        return self.root / "status.json"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def kek(self) -> Path:
        return self.root / "kek"

    @property
    def log(self) -> Path:
        """The published log: checkpoint, tiles and entries."""
        return self.root / "log"

    @property
    def witness(self) -> Path:
        """What the witness signed last."""
        return self.root / "witness"

    @property
    def mails(self) -> Path:
        """Delivered mail: the outside world, so a search for a person's traces leaves it out."""
        return self.root / "mail"

    @property
    def kafka(self) -> Path:
        return self.root / "kafka"

    @property
    def kafka_data(self) -> Path:
        return self.kafka / "data"

    @property
    def postgres_place(self) -> Path:
        """Holds the path of the folder with PostgreSQL's data, chosen at the first start."""
        return self.root / "postgres.path"

    @property
    def passwords(self) -> Path:
        return self.root / "passwords.json"

    @property
    def ports(self) -> Path:
        return self.root / "ports.json"

    def log_of(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def make(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        for private in (self.logs, self.keys, self.kek, self.log, self.witness, self.mails, self.kafka):
            private.mkdir(mode=0o700, exist_ok=True)

    def remembered_ports(self) -> Ports:
        """The ports of the last start, else the defaults."""
        if not self.ports.exists():
            return Ports()
        try:
            stored = cast("dict[str, int]", json.loads(self.ports.read_text()))
            return Ports().with_changes(stored)
        except ValueError as error:
            raise StackError(f"{self.ports} can't be read: delete it") from error

    def remember_ports(self, ports: Ports) -> None:
        write_private(self.ports, json.dumps(asdict(ports), indent=1))


def write_private(path: Path, text: str) -> None:
    """Replace the file at once, readable by its owner only: a reader sees the old text or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
