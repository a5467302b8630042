"""Whoever answers over TLS is who they say, or is not believed."""

import ssl

from chassis.tls import trusted


def test_all_clients_of_a_process_share_one_context_that_verifies_names_and_chains() -> None:
    context = trusted()
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert trusted() is context
