"""Opens the log's commitment to an event of our own: with the body as sent and the salt, anybody can recompute it.

Only for events that concern nobody: the salt of a person's event is what erasure makes unfindable.
"""

from datetime import datetime
from typing import NamedTuple

from contracts.envelope import read_envelope

from chassis.keys import LOG_KEY, KeySet
from chassis.outbox import OutgoingEvent
from chassis.sealing import unseal


class Opening(NamedTuple):
    """`commitment` is HMAC-SHA256(salt, body); `time` is the event's, as in its envelope."""

    commitment: bytes
    body: bytes
    salt: bytes
    time: datetime


def opening_of(outgoing: OutgoingEvent, keys: KeySet) -> Opening:
    """What opens the commitment of this event, before it is sent.

    Raises:
        ValueError: it is about a person.
    """
    envelope = read_envelope(outgoing.headers)
    if envelope.subjects:
        raise ValueError("the commitment to an event about a person is opened to nobody")
    salt = unseal(keys.need(LOG_KEY), envelope.sealed_salt)
    return Opening(envelope.commitment, outgoing.body, salt, envelope.time)
