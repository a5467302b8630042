"""The log of every event, sealed as it came."""
