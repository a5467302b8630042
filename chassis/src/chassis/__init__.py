"""The microservice chassis: outbox, inbox, subject keys, guard, HTTP edge, telemetry."""
