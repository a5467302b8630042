import base64
import json
import stat

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from local_stack.keys import LOGIN_KID, SERVICE_KIDS, key_file, login_jwks, make_keys, services_jwks
from local_stack.state_folder import StateFolder


def public_halves(text: str) -> dict[str, Ed25519PublicKey]:
    return {
        key["kid"]: Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "="))
        for key in json.loads(text)["keys"]
    }


def test_every_service_and_the_operator_signs_what_the_shared_set_verifies(state: StateFolder) -> None:
    make_keys(state)
    trusted = public_halves(services_jwks(state).read_text())
    assert set(trusted) == set(SERVICE_KIDS)
    for kid, public in trusted.items():
        private = load_pem_private_key(key_file(state, kid).read_bytes(), None)
        assert isinstance(private, Ed25519PrivateKey)
        public.verify(private.sign(b"words"), b"words")


def test_the_login_key_is_trusted_for_people_only(state: StateFolder) -> None:
    make_keys(state)
    assert set(public_halves(login_jwks(state).read_text())) == {LOGIN_KID}


def test_a_key_once_made_stays(state: StateFolder) -> None:
    make_keys(state)
    before = {file.name: file.read_bytes() for file in state.keys.iterdir()}
    make_keys(state)
    assert {file.name: file.read_bytes() for file in state.keys.iterdir()} == before


def test_a_guests_key_is_trusted_beside_ours_and_stays_so_at_the_next_start(state: StateFolder) -> None:
    make_keys(state, guest="partner-board")
    make_keys(state)
    trusted = public_halves(services_jwks(state).read_text())
    assert set(trusted) == {*SERVICE_KIDS, "partner-board"}
    assert set(public_halves(login_jwks(state).read_text())) == {LOGIN_KID}


def test_keys_are_readable_by_their_owner_only(state: StateFolder) -> None:
    make_keys(state)
    assert {stat.S_IMODE(file.stat().st_mode) for file in state.keys.iterdir()} == {0o600}
    assert stat.S_IMODE(state.keys.stat().st_mode) == 0o700
