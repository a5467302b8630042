"""`tillit breaker`: what stops erasures in bulk, and the two officers who let them go on."""

import asyncio
from typing import Annotated, Final

import typer
from local_stack.stack import Stack
from rich.console import Console

from tillit_cli.operator_calls import operating
from tillit_cli.stack import State

console: Final = Console(soft_wrap=True)
group = typer.Typer(no_args_is_help=True, help="Too many erasures within an hour stop all, until two officers agree.")


@group.command()
def status(state: State = None) -> None:
    """Say whether erasures are held back, since when, and how many. Exit code 1 when they are."""
    if asyncio.run(_status(Stack(state))):
        raise typer.Exit(1)


@group.command()
def release(
    officer: Annotated[
        str, typer.Option("--as", metavar="OFFICER", help="Whose key signs: operator, privacy-officer.")
    ] = "operator",
    state: State = None,
) -> None:
    """Agree that what is held back begins. It takes two different officers; keys that are destroyed stay destroyed."""
    asyncio.run(_release(Stack(state), officer))


async def _status(stack: Stack) -> bool:
    async with operating(stack.info()) as operator:
        breaker = await operator.breaker()
    if not breaker.tripped:
        console.print("The breaker holds nothing back.")
        return False
    console.print(
        f"Held back since {breaker.tripped_at:%Y-%m-%d %H:%M:%S}: {breaker.held_back} erasures. {breaker.begun} were"
        f" asked for within an hour, where {breaker.most} may begin."
    )
    agreed = f"{breaker.agreed} has agreed to let them begin; another officer" if breaker.agreed else "Two officers"
    console.print(f"{agreed} must agree: `tillit breaker release --as OFFICER`")
    return True


async def _release(stack: Stack, officer: str) -> None:
    async with operating(stack.info(), officer=officer) as operator:
        done = await operator.release_breaker()
    if done.released:
        console.print(f"Released: {done.held_back} erasures begin.")
    else:
        console.print(f"{officer} has agreed. {done.held_back} erasures wait for another officer.")
