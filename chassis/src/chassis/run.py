"""Runs reactions inside a transaction, past the guard, keeping the order of each key."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from contracts.event import Event
from contracts.wire import WireBody

from chassis.logs import SafeError
from chassis.metrics import Metrics
from chassis.reactions import Mode, Reaction, Received, Verdict, judge
from chassis.records import Cause, Incoming, join
from chassis.telemetry import inject, span_from
from chassis.transaction import Transaction


class Runnable(NamedTuple):
    """An event that can run here. `reaction` is None only where a raw reaction takes everything."""

    incoming: Incoming
    reaction: Reaction | None
    body: WireBody

    @property
    def privacy_protocol(self) -> bool:
        return self.incoming.event_class is not None and self.incoming.event_class.privacy_protocol


async def run_all(items: Sequence[Runnable], tx: Transaction, metrics: Metrics) -> None:
    """Run every event. Events of one key keep their order; batch reactions get as many as that allows at once."""
    cause = tx.cause
    for wave in _waves(items):
        for reaction, group in wave.items():
            if reaction.batch is not None:
                tx.cause = cause
                await _run_batch(reaction, group, tx, metrics)
            else:
                for item in group:
                    await run_one(item, tx, metrics)


async def run_one(item: Runnable, tx: Transaction, metrics: Metrics) -> None:
    """Run one event, if the guard lets it."""
    reaction = _reaction(item)
    verdict = _verdict(item, reaction, tx)
    if verdict is not Verdict.RUN:
        tx.refused[item.incoming.envelope.id] = verdict
        metrics.reactions.labels(reaction.name, verdict).inc()
        return
    if reaction.single is None:
        await _run_batch(reaction, [item], tx, metrics)
        return
    event = join(item.incoming, reaction.event, item.body, tx.keys)
    envelope = item.incoming.envelope
    with span_from(envelope.traceparent, reaction.name, attributes={"tillit.event.type": envelope.type}):
        tx.cause = Cause(envelope.correlation_id, envelope.id, inject() or envelope.traceparent)
        await reaction.single(event, tx)
    metrics.reactions.labels(reaction.name, "done").inc()


async def _run_batch(reaction: Reaction, items: Sequence[Runnable], tx: Transaction, metrics: Metrics) -> None:
    let: list[Runnable] = []
    for item in items:
        verdict = _verdict(item, reaction, tx)
        if verdict is Verdict.RUN:
            let.append(item)
        else:
            tx.refused[item.incoming.envelope.id] = verdict
            metrics.reactions.labels(reaction.name, verdict).inc()
    if not let or reaction.batch is None:
        return
    received: list[Received[Any]] = [
        Received(join(item.incoming, reaction.event, item.body, tx.keys), item.incoming.envelope) for item in let
    ]
    await reaction.batch(received, tx)
    metrics.reactions.labels(reaction.name, "done").inc(len(let))


def _reaction(item: Runnable) -> Reaction:
    if item.reaction is None:
        raise SafeError("an event without a reaction can't be run")
    return item.reaction


def _verdict(item: Runnable, reaction: Reaction, tx: Transaction) -> Verdict:
    if reaction.mode is Mode.PROTOCOL:
        return Verdict.RUN
    return judge(reaction.mode, reaction.event, [tx.state(subject) for subject in item.incoming.envelope.subjects])


def _waves(items: Sequence[Runnable]) -> list[dict[Reaction, list[Runnable]]]:
    """Groups by reaction, in waves: an event never stands in an earlier wave than one before it of its key, nor in the
    same wave under another reaction. So waves in order, and groups of a wave in any order, keep every key's order."""
    waves: list[dict[Reaction, list[Runnable]]] = []
    last: dict[tuple[str, int], tuple[int, type[Event]]] = {}
    for item in items:
        reaction = _reaction(item)
        key = (item.incoming.key, item.incoming.record.partition)
        at, before = last.get(key, (0, reaction.event))
        if before is not reaction.event:
            at += 1
        last[key] = (at, reaction.event)
        while len(waves) <= at:
            waves.append({})
        waves[at].setdefault(reaction, []).append(item)
    return waves
