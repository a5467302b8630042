"""Knows how a service is tested: real Kafka and PostgreSQL in containers, a database and a set of topics per test."""
