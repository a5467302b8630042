"""Where a published log is read from: a folder, or the URL that serves it."""

import time
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Final

import httpx
from contracts.log_audit import Missing

from tillit_cli.patient_http import LONGEST_WAIT, TRIES, Unreachable

_SECONDS: Final = 30.0
_WAIT: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class LogInFolder:
    """A log's folder, as its service writes it or as somebody copied it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, path: str) -> bytes:
        try:
            return (self._root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise Missing(path) from None

    def paths(self) -> list[str]:
        """Every file of the log; drafts and locks have hidden names."""
        files = (file for file in self._root.rglob("*") if file.is_file() and not file.name.startswith("."))
        return sorted(file.relative_to(self._root).as_posix() for file in files)


class LogAtUrl:
    """A log as it is served; waits when it is asked to."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url.rstrip("/") + "/", timeout=_SECONDS, trust_env=False)

    def __enter__(self) -> "LogAtUrl":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def read(self, path: str) -> bytes:
        """The file.

        Raises:
            Missing: there is none.
            Unreachable: the log does not answer.
        """
        delay, why = 0.2, "no answer"
        for _ in range(TRIES):
            try:
                answer = self._http.get(path)
            except httpx.TransportError as error:
                why = type(error).__name__
            else:
                if answer.is_success:
                    return answer.content
                if answer.status_code == HTTPStatus.NOT_FOUND:
                    raise Missing(path)
                why = f"status {answer.status_code}"
                if answer.status_code not in _WAIT:
                    break
                asked = answer.headers.get("Retry-After", "")
                delay = max(delay, float(asked) if asked.isdecimal() else 0.0)
            time.sleep(min(delay, LONGEST_WAIT))
            delay *= 2
        raise Unreachable(f"the log does not answer GET /{path}: {why}")
