"""`tillit log`: checking the published log, as anybody can, and its database, as an operator can."""

import asyncio
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from contracts.log_audit import Audited, LogBroken, Progress, Read, audit, audit_others
from contracts.notes import BadNote, NoteKey, read_key, signed_by
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from local_stack import keys
from local_stack.stack import Stack, StackInfo
from local_stack.state_folder import StateFolder
from rich.console import Console
from rich.progress import Progress as Bar

from tillit_cli.log_files import LogAtUrl, LogInFolder
from tillit_cli.log_rows import Compared, compare
from tillit_cli.operator_calls import operating
from tillit_cli.stack import State

_LINES: Final = 10
"""Lines of progress where there is no terminal."""

console = Console(width=None if sys.stdout.isatty() else 160)
group = typer.Typer(no_args_is_help=True, help="The verifiable log of every event: check it, and name its keys.")


@group.command()
def verify(
    url: Annotated[str | None, typer.Option(help="A log as it is served; the local stack's without it.")] = None,
    folder: Annotated[Path | None, typer.Option(help="A log's folder, or a copy of it.")] = None,
    key: Annotated[
        str | None,
        typer.Option(help="The log's verifier key (NAME+ID+KEY), or a file with it. Have it from elsewhere."),
    ] = None,
    witness_key: Annotated[
        list[str] | None, typer.Option(help="A witness' key whose cosignature there must be. Repeatable.")
    ] = None,
    state: State = None,
) -> None:
    """Recompute the whole log and hold it against its signed checkpoint; of the local stack the database too.

    Exit code 1 when anything is not as it must be: the first wrong entry is named.
    """
    if url is not None and folder is not None:
        raise typer.BadParameter("choose --url or --folder")
    witnesses = [_key(text) for text in witness_key or []]
    if folder is not None:
        files = LogInFolder(folder)
        audited = _audit(files.read, _needed(key), witnesses)
        audit_others(files.read, files.paths(), audited)
        _tell(audited, witnesses)
        return
    if url is not None:
        with LogAtUrl(url) as served:
            _tell(_audit(served.read, _needed(key), witnesses), witnesses)
        return
    info = Stack(state).info()
    local = StateFolder(info.state)
    with LogAtUrl(info.services["audit-log"]) as served:
        audited = _audit(served.read, keys.log_key(local) if key is None else _key(key), witnesses)
    _tell(audited, witnesses or [keys.witness_key(local)])
    compared = asyncio.run(_rows(info, audited))
    console.print(f"The database has the same {compared.rows} leaves, and entries that are what they say.")
    if compared.without_entry:
        console.print(f"{compared.without_entry} leaves wait for their events to be replayed.")


@group.command(name="key")
def show_key(state: State = None) -> None:
    """Print the verifier keys of the local stack's log and of its witness."""
    folder = StateFolder(Stack(state).info().state)
    print(keys.log_key(folder))
    print(keys.witness_key(folder))


def _audit(read: Read, key: NoteKey, witnesses: Sequence[NoteKey]) -> Audited:
    with _progress("entries") as progress:
        return audit(read, key, is_signed, witnesses=witnesses, progress=progress)


async def _rows(info: StackInfo, audited: Audited) -> Compared:
    with _progress("rows") as progress:
        async with operating(info) as operator:
            return await compare(operator.log_rows(), audited.leaves, progress)


def _tell(audited: Audited, witnesses: Sequence[NoteKey]) -> None:
    checkpoint = audited.checkpoint
    console.print(f"{checkpoint.size} entries of {checkpoint.origin}: every entry, every tile and the root agree.")
    try:
        seen = [witness.name for witness in witnesses if signed_by(audited.note, witness, is_signed)]
    except BadNote as error:
        raise LogBroken(f"checkpoint: {error}") from None
    console.print(f"Cosigned by {', '.join(seen)}." if seen else "No witness is known to have cosigned it.")


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of this public key signed the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _needed(key: str | None) -> NoteKey:
    if key is None:
        raise typer.BadParameter(
            "whose log should it be? `tillit log key` prints that of a local stack", param_hint="--key"
        )
    return _key(key)


def _key(text: str) -> NoteKey:
    try:
        return read_key(Path(text).read_text() if "+" not in text else text)
    except (BadNote, OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{text} is no verifier key, and no file with one: {error}") from error


@contextmanager
def _progress(what: str) -> Generator[Progress]:
    with ExitStack() as stack:
        if console.is_terminal:
            bar = stack.enter_context(Bar(console=console, transient=True))
            task = bar.add_task(what, total=None)
            yield lambda done, of: bar.update(task, completed=done, total=of)
            return
        told = 0

        def tell(done: int, of: int) -> None:
            nonlocal told
            if done * _LINES // of > told and of > 10_000:
                told = done * _LINES // of
                console.print(f"{what}: {done} of {of}")

        yield tell
