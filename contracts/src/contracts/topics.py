"""Every Kafka topic: who owns it, what keys it, how it is partitioned and kept. Nothing else may be a topic.

The owner publishes, and whom it lets in as a guest; `EVERY_HOLDER` and `EVERY_EDGE` mean each data holder or HTTP edge.
"""

from types import MappingProxyType
from typing import Final, NamedTuple

EVERY_HOLDER: Final = "every data holder"
EVERY_EDGE: Final = "every HTTP edge"

RETENTION_DAYS: Final = 21
"""How long a record stays on a topic, in days: less than inbox and tombstones (90), so every replay meets them."""
LOCAL_PARTITIONS: Final = 6
DEFAULT_PARTITIONS: Final = 12


class Topic(NamedTuple):
    """One topic and its contract. `key` names what the record key is; all facts about one key keep their order.

    `guests` are other services that publish here too, each about keys of its own: two that say things of one key
    would have no order between them.
    """

    name: str
    owner: str
    key: str
    compacted: bool = False
    retention_days: int = RETENTION_DAYS
    local_partitions: int = LOCAL_PARTITIONS
    partitions: int = DEFAULT_PARTITIONS
    guests: tuple[str, ...] = ()

    def may_publish(self, service: str) -> bool:
        """Whether this service may say something here."""
        return self.owner in (EVERY_HOLDER, EVERY_EDGE) or service == self.owner or service in self.guests


PROFILE: Final = Topic("profile.v1", "profile", "subject id")
POSITION: Final = Topic("position.v1", "profile", "position id")
APPLICATION: Final = Topic("application.v1", "profile", "subject id")
DISCLOSURE: Final = Topic("disclosure.v1", "profile", "subject id")
RIGHTS: Final = Topic("rights.v1", "retention", "subject id")
ERASURE: Final = Topic("erasure.v1", "retention", "subject id")
RETENTION: Final = Topic("retention.v1", "retention", "subject id")
POLICY: Final = Topic("policy.v1", "retention", "policy version")
COMMUNICATION: Final = Topic("communication.v1", "notifications", "subject id")
HOLDERS: Final = Topic("holders.v1", EVERY_HOLDER, "holder", compacted=True)
ERASURE_REPLIES: Final = Topic("erasure-replies.v1", EVERY_HOLDER, "subject id")
RETENTION_REPLIES: Final = Topic("retention-replies.v1", EVERY_HOLDER, "subject id")
USAGE: Final = Topic("usage.v1", EVERY_EDGE, "edge")

TOPICS: Final = MappingProxyType(
    {
        topic.name: topic
        for topic in (
            PROFILE,
            POSITION,
            APPLICATION,
            DISCLOSURE,
            RIGHTS,
            ERASURE,
            RETENTION,
            POLICY,
            COMMUNICATION,
            HOLDERS,
            ERASURE_REPLIES,
            RETENTION_REPLIES,
            USAGE,
        )
    }
)
