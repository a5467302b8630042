"""The real supervisor, with a small process in the place of each service: `python standin_supervisor.py STATE ...`."""

import sys
from pathlib import Path

from local_stack import supervisor
from local_stack.processes import SERVICES, Service


def standin(name: str, database: str) -> Service:
    script = str(Path(__file__).with_name("standin_service.py"))
    return Service(name, database, lambda role: [sys.executable, script, name, role])


if __name__ == "__main__":
    supervisor.main([standin(service.name, service.database) for service in SERVICES])
