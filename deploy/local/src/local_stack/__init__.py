"""The whole system on one machine: Kafka, PostgreSQL, a mail catcher and the four services."""
