"""The keyring and the erasure process."""
