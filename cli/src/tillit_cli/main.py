"""The command `tillit`: a table of contents of what an operator does."""

import sys

import typer
from chassis.logs import SafeError
from contracts.log_audit import LogBroken
from local_stack.failure import StackError

from tillit_cli import (
    backups,
    breaker,
    demo,
    erasures,
    explain,
    exports,
    guest,
    holders,
    holds,
    imports,
    keys,
    log,
    parked,
    receipt,
    recipients,
    refused,
    stack,
    status,
    trace,
)
from tillit_cli.patient_http import Refused, Unreachable

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
stack.register(app)
app.command()(status.status)
app.add_typer(imports.group, name="import")
app.add_typer(parked.group, name="parked")
app.add_typer(log.group, name="log")
app.add_typer(keys.group, name="keys")
app.command()(backups.backup)
app.command()(backups.restore)
app.add_typer(refused.group, name="outbox")
app.command()(trace.trace)
app.add_typer(breaker.group, name="breaker")
app.add_typer(exports.group, name="exports")
app.add_typer(holders.group, name="holders")
app.add_typer(holds.group, name="hold")
app.add_typer(receipt.group, name="receipt")
app.add_typer(erasures.group, name="erasures")
app.command(name="explain")(explain.explain)
app.command(name="recipients")(recipients.recipients)
app.command(name="demo")(demo.demo)
app.command(name="guest")(guest.guest)
app.command(name="token")(guest.token)


def main() -> None:
    try:
        app()
    except (StackError, SafeError, LogBroken, Refused, Unreachable, demo.DemoFailed, trace.UnknownEvent) as error:
        print(f"tillit: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
