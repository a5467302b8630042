"""What the services agree on: events, topics, purposes, categories."""
