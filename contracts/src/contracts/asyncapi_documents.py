"""AsyncAPI 3.0 documents: topics as channels, events as messages, and who sends what by the owner of the topic.

Contracts does not know who listens: `asyncapi/subscriptions.json` (service -> wire names), written by the services,
adds what each receives.
"""

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from contracts.envelope import CONTENT_TYPE, dataschema
from contracts.envelope_schema import ENVELOPE_PATH
from contracts.event import Event
from contracts.purposes import PURPOSES
from contracts.topics import EVERY_EDGE, EVERY_HOLDER, Topic
from contracts.wire_schema import JsonObject

DAY_MS: Final = 24 * 60 * 60 * 1000
SERVICES: Final = tuple(sorted({service for purpose in PURPOSES.values() for service in purpose.services}))
"""Who processes personal data for a registered purpose: each is a holder and serves HTTP, and has a document."""

Subscriptions: TypeAlias = Mapping[str, frozenset[str]]
"""Wire names of what each service receives, by service."""


def senders(topic: Topic) -> tuple[str, ...]:
    """The services that may publish on a topic."""
    return SERVICES if topic.owner in (EVERY_HOLDER, EVERY_EDGE) else (topic.owner, *topic.guests)


def system_document(topics: Iterable[Topic], events: Iterable[type[Event]], version: str) -> JsonObject:
    """One document for the whole: every topic, and one send operation for each that carries events."""
    all_topics, all_events = tuple(topics), tuple(events)
    return _document(
        name="tillit",
        title="Tillit",
        description="Every topic and event of Tillit. A send operation is of the topic's owner.",
        version=version,
        topics=all_topics,
        sent=all_events,
        received=(),
    )


def service_document(
    service: str, topics: Iterable[Topic], events: Iterable[type[Event]], version: str, subscriptions: Subscriptions
) -> JsonObject:
    """One document for a service: what it may send, and what it receives as far as `subscriptions` say."""
    all_events = tuple(events)
    wanted = subscriptions.get(service, frozenset[str]())
    sent = tuple(event for event in all_events if service in senders(event.topic))
    received = tuple(event for event in all_events if event.type in wanted)
    used = {event.topic.name for event in (*sent, *received)}
    return _document(
        name=service,
        title=f"Tillit: {service}",
        description=f"What the {service} service sends and receives.",
        version=version,
        topics=tuple(topic for topic in topics if topic.name in used),
        sent=sent,
        received=received,
    )


def _document(
    *,
    name: str,
    title: str,
    description: str,
    version: str,
    topics: tuple[Topic, ...],
    sent: tuple[type[Event], ...],
    received: tuple[type[Event], ...],
) -> JsonObject:
    shown = {event.type: event for event in (*sent, *received)}
    operations: JsonObject = {}
    for action, events in (("send", sent), ("receive", received)):
        for topic in topics:
            carried = [event for event in events if event.topic is topic]
            if carried:
                operations[f"{action}-{topic.name}"] = _operation(action, topic, carried)
    return {
        "asyncapi": "3.0.0",
        "id": f"urn:tillit:asyncapi:{name}",
        "info": {
            "title": title,
            "version": version,
            "description": description,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            topic.name: _channel(topic, [event for event in shown.values() if event.topic is topic]) for topic in topics
        },
        "operations": operations,
        "components": {"messages": {event.type: _message(event) for event in shown.values()}},
    }


def _channel(topic: Topic, events: list[type[Event]]) -> JsonObject:
    kept: JsonObject = (
        {"cleanup.policy": ["compact"]}
        if topic.compacted
        else {"cleanup.policy": ["delete"], "retention.ms": topic.retention_days * DAY_MS}
    )
    publishers = ", ".join((topic.owner, *topic.guests))
    return {
        "address": topic.name,
        "description": f"Published by: {publishers}. Record key: {topic.key}; what shares a key keeps its order.",
        "messages": {event.type: {"$ref": f"#/components/messages/{event.type}"} for event in events},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": kept,
                "bindingVersion": "0.5.0",
            }
        },
        "x-owner": topic.owner,
        "x-key": topic.key,
        "x-local-partitions": topic.local_partitions,
    }


def _operation(action: str, topic: Topic, events: list[type[Event]]) -> JsonObject:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{event.type}"} for event in events],
    }


def _message(event: type[Event]) -> JsonObject:
    return {
        "name": event.type,
        "title": event.__name__,
        "summary": (event.__doc__ or "").strip().splitlines()[0],
        "contentType": CONTENT_TYPE,
        "headers": {"$ref": f"../{ENVELOPE_PATH}"},
        "payload": {"$ref": f"../{dataschema(event.type)}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"The value of {event.key_field}, as text."},
                "bindingVersion": "0.5.0",
            }
        },
        "x-key": event.key_field,
    }
