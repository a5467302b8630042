"""Knows how to log without telling on anyone: JSON lines on stdout, from which no personal value can be read.

What a value may show is an allow-list by type. An exception shows its type and our own frames; its text only when it is a
`SafeError`, because the text of any other may quote the data that caused it. Libraries' lines pass the same filter.
"""

import errno
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final, TextIO, cast
from uuid import UUID

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from chassis.clock import SystemClock

_MAX_TEXT: Final = 500
_MAX_ITEMS: Final = 50
_MAX_DEPTH: Final = 4
_MAX_FRAMES: Final = 12
_ADDRESS = re.compile(r"[^\s@/:'\"<>(),;=]+(:[^\s@/]*)?@[^\s@'\"<>(),;]+")
_OURS = re.compile(r"(contracts|chassis|local_stack|tillit_cli|[a-z_]+_service|__main__)(\.|$)")


class SafeError(Exception):
    """An error whose text we wrote: it says the cure, holds nothing about a person, and may be printed."""


def get_logger(**bound: object) -> FilteringBoundLogger:
    """A logger whose first argument is an event's name (`relay.sent`) and whose keywords are its facts."""
    return cast("FilteringBoundLogger", structlog.get_logger(**bound))


def configure(service: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Sends our own lines and those of every library to one stream, as JSON; may be called again."""
    out = stream if stream is not None else sys.stdout
    threshold = logging.getLevelNamesMapping()[level]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _Stamped(service),
        explain_exceptions,
        show_only_what_is_safe,
    ]
    render = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    handler = _QuietHandler(out)
    handler.addFilter(_disarm)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(threshold, logging.WARNING))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "faststream", "aiokafka"):
        library = logging.getLogger(name)
        library.handlers = []
        library.propagate = name != "uvicorn.access"


def safe(value: object, depth: int = 0) -> object:
    """The printable form of a value: known plain types as they are, everything else by its type's name."""
    if value is None or type(value) in (bool, int, float):
        return value
    if type(value) is str:
        return safe_text(value)
    if isinstance(value, Enum):
        return safe(value.value, depth)
    if isinstance(value, UUID | datetime | date | timedelta | PurePath):
        return str(value)
    if isinstance(value, BaseException):
        return _named(value)
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    if depth < _MAX_DEPTH and isinstance(value, Mapping):
        pairs = list(cast("Mapping[object, object]", value).items())[:_MAX_ITEMS]
        return {str(safe(key)): safe(item, depth + 1) for key, item in pairs}
    if depth < _MAX_DEPTH and isinstance(value, list | tuple | set | frozenset):
        return [safe(item, depth + 1) for item in list(cast("Sequence[object]", value))[:_MAX_ITEMS]]
    return f"<{type(value).__name__}>"


def safe_text(text: str) -> str:
    """Text with anything that looks like a mail address or a password in a URL masked, cut short."""
    near = text[: 2 * _MAX_TEXT]
    masked = _ADDRESS.sub("<address>", near) if "@" in near else near
    return masked if len(masked) <= _MAX_TEXT else f"{masked[:_MAX_TEXT]}…"


def show_only_what_is_safe(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The processor that every line passes: no value goes on but through `safe`."""
    for key, value in event.items():
        if not key.startswith("_"):
            event[key] = safe(value)
    return event


def explain_exceptions(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Turns `exc_info` into the chain of exception types and the frames of ours they went through."""
    info = event.pop("exc_info", None)
    event.pop("stack_info", None)
    error = _exception(info)
    if error is not None:
        chain = _chain(error)
        event["error"] = [_named(link) for link in chain]
        event["frames"] = [frame for link in reversed(chain) for frame in frames(link.__traceback__)][-_MAX_FRAMES:]
    return event


def frames(traceback: TracebackType | None) -> list[str]:
    """Where it happened in our own code, innermost last, as `package.module:line`."""
    found: list[str] = []
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__", ""))
        if _OURS.match(module):
            found.append(f"{module}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return found


class _QuietHandler(logging.StreamHandler[TextIO]):
    """Says that a library's line could not be built; the standard library would print its arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        self.stream.write(f'{{"event": "log.unprintable", "logger": "{record.name}", "line": {record.lineno}}}\n')


class _Stamped:
    """Adds the service and the machine's time: a log is read beside other machines', whatever clock was injected."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._clock = SystemClock()

    def __call__(self, _logger: WrappedLogger, _method: str, event: MutableMapping[str, Any]) -> EventDict:
        event["service"] = self._service
        event["time"] = self._clock.now().isoformat(timespec="milliseconds")
        return event


def _disarm(record: logging.LogRecord) -> bool:
    """Makes a library's record safe before its text is built: only its first line, and no argument but through `safe`.

    asyncio puts the repr of a failed future, and so the exception's text, on the second line.
    """
    if isinstance(record.args, Mapping):
        record.args = {key: _argument(value) for key, value in record.args.items()}
    elif record.args:
        record.args = tuple(_argument(value) for value in record.args)
    if isinstance(record.msg, str):
        record.msg = record.msg.strip().split("\n", 1)[0]
    else:
        record.msg, record.args = str(safe(record.msg)).replace("%", "%%"), ()
    return True


def _argument(value: object) -> object:
    shown = safe(value)
    return shown if isinstance(shown, int | float) else str(shown)


def _exception(info: object) -> BaseException | None:
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple):
        return _exception(cast("tuple[object, ...]", info)[1])
    return sys.exception() if info else None


def _chain(error: BaseException) -> list[BaseException]:
    links: list[BaseException] = []
    waiting = [error]
    while waiting and len(links) < _MAX_FRAMES:
        link = waiting.pop(0)
        links.append(link)
        if isinstance(link, BaseExceptionGroup):
            waiting.extend(cast("BaseExceptionGroup[BaseException]", link).exceptions)
        cause = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
        if cause is not None and cause not in links:
            waiting.append(cause)
    return links


def _named(error: BaseException) -> str:
    name = type(error).__qualname__
    if isinstance(error, SafeError):
        return f"{name}: {safe_text(str(error))}"
    if isinstance(error, OSError) and error.errno is not None:
        return f"{name} {errno.errorcode.get(error.errno, error.errno)}"
    sqlstate = getattr(error, "sqlstate", None)
    return f"{name} {sqlstate}" if isinstance(sqlstate, str) else name
