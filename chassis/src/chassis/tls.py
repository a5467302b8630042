"""Whom this process lets vouch for a server: the authorities that its system trusts."""

import ssl
from functools import cache


@cache
def trusted() -> ssl.SSLContext:
    """Verifies names and chains (RFC 9525); one for the whole process, because reading the authorities takes 40 ms."""
    return ssl.create_default_context()
