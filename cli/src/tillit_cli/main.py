"""The command `tillit`: a table of contents of what an operator does."""

import sys

import typer
from local_stack.failure import StackError

from tillit_cli import stack

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
stack.register(app)


def main() -> None:
    try:
        app()
    except StackError as error:
        print(f"tillit: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
