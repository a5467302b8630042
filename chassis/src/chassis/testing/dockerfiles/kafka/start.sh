#!/bin/sh
# Formats the log directory on the first start only, so that a restarted broker keeps its data.
set -eu
classpath='/opt/kafka/libs/*'
small='-Xms64m -Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dlog4j2.level=WARN'
if [ ! -s /tillit/data/meta.properties ]; then
    # shellcheck disable=SC2086
    java $small -cp "$classpath" kafka.tools.StorageTool format -c /tillit/server.properties -t "$CLUSTER_ID" >/dev/null
fi
exec java -Xms256m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j2.level=WARN \
    -cp "$classpath" kafka.Kafka /tillit/server.properties
