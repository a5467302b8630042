"""Makes every topic of the contracts: `python -m local_stack.topics BOOTSTRAP PARTITIONS`, a step of the start."""

import asyncio
import sys

from chassis.kafka_topics import ensure_topics


def main() -> None:
    bootstrap, partitions = sys.argv[1:]
    asyncio.run(ensure_topics(bootstrap, partitions=int(partitions)))


if __name__ == "__main__":
    main()
