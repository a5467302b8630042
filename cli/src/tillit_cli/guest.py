"""`tillit guest` and `tillit token`: what the team of another service needs of a local stack."""

import shlex
from typing import Annotated

import typer
from chassis.clock import SystemClock
from chassis.tokens import Signer
from local_stack.stack import Stack

from tillit_cli.stack import State

Name = Annotated[str, typer.Argument(metavar="NAME", help="The service's name, as contracts know it: partner-board.")]
HttpPort = Annotated[
    int | None, typer.Option("--http-port", min=1, max=65535, help="Where it serves; else a free one.")
]


def guest(name: Name, http_port: HttpPort = None, state: State = None) -> None:
    """Let a service that is none of ours take part in the running stack, and print its settings for a shell.

    It gets a database with two roles and a key that the others trust. Safe to repeat.
    """
    for variable, value in Stack(state).admit(name, http_port).items():
        print(f"export {variable}={shlex.quote(value)}")


def token(name: Name, state: State = None) -> None:
    """Print a token of the operator for the admin routes of one service, good there for 60 seconds."""
    key = Stack(state).info().operator_key_file.read_bytes()
    print(Signer("operator", key, SystemClock()).internal(name))
