"""Job alerts and mail."""
