"""The command tillit."""
