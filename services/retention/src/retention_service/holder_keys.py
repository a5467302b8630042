"""The holders' public keys as verifiers of receipts have them: raw Ed25519, by holder."""

from collections.abc import Iterable, Mapping, Sequence

from chassis.jwks import Keys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def raw_keys(trusted: Keys, holders: Iterable[str]) -> Mapping[str, Sequence[bytes]]:
    """Those of these holders that are trusted."""
    found = {holder: trusted.find(holder) for holder in holders}
    return {
        holder: (key.public_key.public_bytes_raw(),)
        for holder, key in found.items()
        if key is not None and isinstance(key.public_key, Ed25519PublicKey)
    }
