"""How a module is named and how long it is, what it may ask the machine for, and how it may fail."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Final

from contracts.registry import EVENT_BY_TYPE

from .house import Module
from .law import Breach, Law

MOST_LINES: Final = 300
MOST_WIRING_LINES: Final = 40
_VAGUE: Final = frozenset(
    {"utils", "util", "common", "helpers", "helper", "manager", "handlers", "base", "misc", "core"}
)
_CLOCK_CALLS: Final = frozenset(
    {
        *("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now"),
        *("datetime.date.today", "time.time", "time.time_ns", "time.localtime", "time.gmtime"),
    }
)
_MONOTONIC: Final = frozenset({"time.monotonic", "time.monotonic_ns", "time.perf_counter"})
_OUTSIDE_SERVICES: Final = frozenset({"tillit_cli", "local_stack"})
"""What starts and stops processes measures with the machine's own clock; nothing of it keeps a retention period."""
IMPLEMENTATIONS: Final[Mapping[str, tuple[str, str]]] = {
    "chassis.clock.Clock": ("chassis.clock.SystemClock", "chassis.clock.MovedClock"),
    "chassis.jwks.Keys": ("chassis.jwks.StaticKeys", "chassis.jwks.JwksFile"),
    "chassis.testing.containers.Disturbable": (
        "chassis.testing.containers.Kafka",
        "chassis.testing.containers.Postgres",
    ),
    "chassis.sql.Connection": ("asyncpg.connection.Connection", "asyncpg.pool.PoolConnectionProxy"),
}
"""Every interface of the house and two things that implement it. Add a line when the second real one exists."""
TYPES_OF_A_LIBRARY: Final[Mapping[str, str]] = {
    "chassis.sql.OwnConnection": "asyncpg.connection.Connection",
    "tillit_cli.proof.stored_rows.CopyConnection": "asyncpg.connection.Connection",
}
"""Not interfaces of ours: they type what a library leaves untyped."""
_REASON = re.compile(r"#\s*(?:noqa: BLE001\s*-\s*)?\S+(?:\s+\S+){2,}")
_LOGS: Final = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log"})
_MEASURES: Final = frozenset({"labels", "set_attribute", "set_attributes", "add_event", "bind"})


def dotted(node: ast.AST) -> str:
    """`a.b.c` of an attribute chain, or nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def _calls(module: Module) -> Iterator[ast.Call]:
    return (node for node in module.nodes if isinstance(node, ast.Call))


def _vague(module: Module) -> Iterator[Breach]:
    yield from ((1, f"the name {part}") for part in module.name.split(".") if part in _VAGUE)


def _too_long(module: Module) -> Iterator[Breach]:
    if len(module.lines) > MOST_LINES:
        yield MOST_LINES + 1, f"{len(module.lines)} lines"


def _wiring_too_long(module: Module) -> Iterator[Breach]:
    if not module.in_service or module.stem != "app":
        return
    tree = ast.parse(module.text)
    beside: set[int] = set()
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            beside.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    wiring = [n for n, line in enumerate(module.lines, 1) if line.strip() and n not in beside]
    if len(wiring) > MOST_WIRING_LINES:
        yield wiring[MOST_WIRING_LINES], f"{len(wiring)} lines of wiring"
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.While | ast.Try | ast.Match):
            yield node.lineno, "logic"


def _own_clock(module: Module) -> Iterator[Breach]:
    if module.name == "chassis.clock" or module.in_rig:
        return
    for call in _calls(module):
        name = dotted(call.func)
        if name in _CLOCK_CALLS or (name in _MONOTONIC and module.package not in _OUTSIDE_SERVICES):
            yield call.lineno, f"calls {name}"
    for node in module.nodes:
        if isinstance(node, ast.Import) and any(alias.name == "random" for alias in node.names):
            yield node.lineno, "imports random"
        if isinstance(node, ast.ImportFrom) and node.module in {"random", "time"}:
            yield node.lineno, f"imports from {node.module}"


def _environment(module: Module) -> Iterator[Breach]:
    if module.stem == "settings":
        return
    passed_on = {
        id(value)
        for node in module.nodes
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if key is None
    }
    for node in module.nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from ((node.lineno, f"imports {a.name}") for a in node.names if a.name in {"environ", "getenv"})
        read = isinstance(node, ast.Attribute) and dotted(node) in {"os.environ", "os.getenv", "os.environb"}
        if read and not (module.in_rig and id(node) in passed_on):
            yield getattr(node, "lineno", 1), f"reads {dotted(node)}"


def _interface(module: Module) -> Iterator[Breach]:
    for node in module.nodes:
        if not isinstance(node, ast.ClassDef):
            continue
        bases = {dotted(base.value if isinstance(base, ast.Subscript) else base) for base in node.bases}
        metas = {dotted(word.value) for word in node.keywords if word.arg == "metaclass"}
        named = {name.rpartition(".")[2] for name in bases | metas}
        known = f"{module.name}.{node.name}" in {*IMPLEMENTATIONS, *TYPES_OF_A_LIBRARY}
        if named & {"Protocol", "ABC", "ABCMeta"} and not known:
            yield node.lineno, f"the interface {node.name}"


def _broad_except(module: Module) -> Iterator[Breach]:
    for node in module.nodes:
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        broad = any(one is None or dotted(one) in {"Exception", "BaseException"} for one in caught)
        raised_again = node.body and isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
        if broad and not raised_again and not _REASON.search(module.lines[node.lineno - 1]):
            yield node.lineno, "catches everything without saying why"


def _typed_wire_name(module: Module) -> Iterator[Breach]:
    for node in module.nodes:
        if isinstance(node, ast.Constant) and node.value in EVENT_BY_TYPE:
            yield node.lineno, f"the wire name {node.value} typed by hand"


def _tells(module: Module) -> Iterator[Breach]:
    for node in module.nodes:
        told: list[ast.AST] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = dotted(node.func.value).rpartition(".")[2].strip("_")
            if (node.func.attr in _LOGS and owner in {"log", "logger"}) or node.func.attr in _MEASURES:
                told = [*node.args, *(word.value for word in node.keywords)]
        elif isinstance(node, ast.Raise) and node.exc is not None:
            told = [node.exc]
        for part in told:
            for inner in ast.walk(part):
                if (
                    isinstance(inner, ast.Call)
                    and isinstance(inner.func, ast.Attribute)
                    and inner.func.attr == "reveal"
                ):
                    yield inner.lineno, "a revealed personal value in a log line, span, label or error"


def _in(name: str, text: str) -> Module:
    return Module(name, text)


LAWS: Final = (
    Law(
        "a file is named by what happens",
        "a name that fits everything tells nothing: name the one thing that it knows or does",
        _vague,
        refused=(_in("chassis.utils", ""), _in("profile_service.common.names", ""), _in("retention_service.base", "")),
        allowed=(_in("chassis.database", ""), _in("retention_service.place_hold", "")),
    ),
    Law(
        f"at most {MOST_LINES} lines",
        "a file that can't be read in one sitting knows two things: split it by what it knows",
        _too_long,
        refused=(_in("chassis.long", "x = 1\n" * (MOST_LINES + 1)),),
        allowed=(_in("chassis.long", "x = 1\n" * MOST_LINES),),
    ),
    Law(
        f"app.py is a table of contents of at most {MOST_WIRING_LINES} lines",
        "who opens it sees the whole service at once; blank lines and imports aside, and no logic",
        _wiring_too_long,
        refused=(
            _in("profile_service.app", "service.store(A, on_a)\n" * (MOST_WIRING_LINES + 1)),
            _in("profile_service.app", "for event in EVENTS:\n    service.store(event, on_any)\n"),
        ),
        allowed=(_in("profile_service.app", "from a import b\n" * 60 + "service.store(A, on_a)\n" * 30),),
    ),
    Law(
        "one clock",
        "every time of day comes from the injected clock, so that years of retention run in minutes; "
        "measure with chassis.clock.monotonic, draw with secrets",
        _own_clock,
        refused=(
            _in("profile_service.accounts", "now = datetime.now(UTC)\n"),
            _in("chassis.keys", "import time\nthen = time.time()\n"),
            _in("chassis.keys", "import time\nthen = time.monotonic()\n"),
            _in("retention_service.fence", "import random\n"),
            _in("local_stack.supervisor", "started = datetime.datetime.now()\n"),
        ),
        allowed=(
            _in("chassis.clock", "def now():\n    return datetime.now(UTC)\n"),
            _in("local_stack.supervisor", "import time\nbegan = time.monotonic()\n"),
            _in("profile_service.accounts", "now = tx.now()\n"),
        ),
    ),
    Law(
        "only settings.py reads the environment",
        "every setting is found, validated and documented in one file of each package",
        _environment,
        refused=(
            _in("profile_service.api", "import os\nurl = os.environ['URL']\n"),
            _in("chassis.keys", "from os import getenv\n"),
            _in("chassis.testing.engine", "import os\nhost = os.environ.get('DOCKER_HOST')\n"),
        ),
        allowed=(
            _in("local_stack.settings", "import os\nstate = os.environ.get('TILLIT_STATE')\n"),
            _in("chassis.testing.engine", "run(command, env={**os.environ, 'A': 'b'})\n"),
        ),
    ),
    Law(
        "an interface has two real implementations",
        "with one it is a detour for every reader; with the second, name both in tests/architecture/laws_of_shape.py",
        _interface,
        refused=(
            _in("chassis.mail", "class Mailer(Protocol): ...\n"),
            _in("chassis.mail", "class Mailer(abc.ABC): ...\n"),
            _in("chassis.mail", "class Mailer(Protocol[T]): ...\n"),
            _in("chassis.mail", "class Mailer(metaclass=ABCMeta): ...\n"),
        ),
        allowed=(_in("chassis.clock", "class Clock(Protocol): ...\n"), _in("chassis.mail", "class Mailer: ...\n")),
    ),
    Law(
        "who catches everything says why",
        "a swallowed error is a lost event; catch what you can cure, or write the reason behind the except",
        _broad_except,
        refused=(
            _in("chassis.a", "try:\n    f()\nexcept Exception:\n    pass\n"),
            _in("chassis.a", "try:\n    f()\nexcept:  # noqa: BLE001\n    pass\n"),
            _in("chassis.a", "try:\n    f()\nexcept (ValueError, BaseException):  # noqa: BLE001\n    pass\n"),
        ),
        allowed=(
            _in(
                "chassis.a",
                "try:\n    f()\nexcept Exception:  # whatever it raises, the item is tried again\n    pass\n",
            ),
            _in("chassis.a", "try:\n    f()\nexcept BaseException:\n    close()\n    raise\n"),
            _in("chassis.a", "try:\n    f()\nexcept ValueError:\n    pass\n"),
        ),
    ),
    Law(
        "wire names are derived",
        "a name typed by hand can be mistyped, and a mistyped one stays for ever: use the class's `.type`",
        _typed_wire_name,
        refused=(_in("profile_service.api", "send('profile.registered.v1')\n"),),
        allowed=(_in("profile_service.api", "send(ProfileRegistered.type)\n"),),
    ),
    Law(
        "personal data is not told",
        "logs, spans, metrics and errors are kept, copied and read by people who were promised nothing of it",
        _tells,
        refused=(
            _in("profile_service.api", "_log.info('account.made', email=body.email.reveal())\n"),
            _in("profile_service.api", "raise Problem(f'{name.reveal()} is taken')\n"),
            _in("profile_service.api", "metrics.logins.labels(email.reveal()).inc()\n"),
            _in("profile_service.api", "span.set_attribute('who', name.reveal())\n"),
        ),
        allowed=(_in("profile_service.api", "address = contact.email.reveal()\n_log.info('mail.sent', code=250)\n"),),
    ),
)
