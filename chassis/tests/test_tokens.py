"""A token proves who calls, or it proves nothing."""

import base64
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from chassis.clock import MovedClock
from chassis.jwks import JwksFile, StaticKeys, jwks
from chassis.logs import SafeError
from chassis.tokens import (
    OPERATOR,
    PORTAL_AUDIENCE,
    SERVICE,
    InvalidToken,
    Role,
    Signer,
    Verifier,
    Verifiers,
    internal_audience,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

START = datetime(2026, 3, 1, tzinfo=UTC)
PERSON = UUID("01a20ed9-6e45-7809-a06a-9eff82aeae59")
MEMBER = Role("member")
AUDIENCE = internal_audience("retention")


def new_pem() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


PEM = new_pem()


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock(START)


@pytest.fixture
def signer(clock: MovedClock) -> Signer:
    return Signer("profile", PEM, clock)


@pytest.fixture
def internal(signer: Signer, clock: MovedClock) -> Verifier:
    operator = Signer("operator", PEM, clock)
    return Verifier(StaticKeys(jwks([signer.jwk(), operator.jwk()])), AUDIENCE, clock)


@pytest.fixture
def people(clock: MovedClock) -> Verifier:
    keys = StaticKeys(jwks([Signer("login", PEM, clock).jwk()]))
    return Verifier(keys, PORTAL_AUDIENCE, clock, people={"profile": {MEMBER}})


def forged(claims: dict[str, object], header: dict[str, object] | None = None, pem: bytes = PEM) -> str:
    """A token with a good signature and whatever claims and header."""

    def encoded(document: dict[str, object]) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=")

    now = int(START.timestamp())
    good: dict[str, object] = {
        "iss": "profile",
        "sub": "profile",
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 60,
    }
    signed = encoded({"alg": "EdDSA", "kid": "profile"} | (header or {})) + b"." + encoded(good | claims)
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(pem, None)
    assert isinstance(key, Ed25519PrivateKey)
    return (signed + b"." + base64.urlsafe_b64encode(key.sign(signed)).rstrip(b"=")).decode()


def test_a_services_token_proves_the_service(signer: Signer, internal: Verifier) -> None:
    caller = internal.verify(signer.internal("retention"))
    assert (caller.subject, caller.role, caller.kid, caller.subject_id) == ("profile", SERVICE, "profile", None)
    assert caller.issued_at == START


def test_a_token_for_one_service_is_no_good_at_another(clock: MovedClock, internal: Verifier) -> None:
    elsewhere = Signer("operator", PEM, clock).internal("profile")
    with pytest.raises(InvalidToken):
        internal.verify(elsewhere)


def test_the_operators_token_proves_the_operator(clock: MovedClock, internal: Verifier) -> None:
    assert internal.verify(Signer("operator", PEM, clock).internal("retention")).role == OPERATOR


def test_a_persons_token_proves_subject_and_role(clock: MovedClock, people: Verifier) -> None:
    caller = people.verify(Signer("login", PEM, clock).login("profile", PERSON, MEMBER))
    assert (caller.subject_id, caller.role) == (PERSON, MEMBER)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": PORTAL_AUDIENCE},
        {"aud": [AUDIENCE]},
        {"iss": "operator"},
        {"sub": "operator"},
        {"iat": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": int(START.timestamp()) + 3600},
        {"iat": int(START.timestamp()) + 31, "exp": int(START.timestamp()) + 60},
        {"nbf": int(START.timestamp()) + 31},
        {"iat": int(START.timestamp()) - 120, "exp": int(START.timestamp()) - 60},
        {"exp": float("inf")},
    ],
    ids=str,
)
def test_a_well_signed_token_with_a_wrong_claim_proves_nothing(internal: Verifier, claims: dict[str, object]) -> None:
    with pytest.raises(InvalidToken):
        internal.verify(forged(claims))


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "stranger"},
        {"kid": None},
        {"kid": 7},
        {"kid": ["profile"]},
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "Ed25519"},
        {"crit": ["exp"]},
        {"b64": False, "crit": ["b64"]},
    ],
    ids=str,
)
def test_a_header_that_is_not_ours_proves_nothing(internal: Verifier, header: dict[str, object]) -> None:
    assert internal.verify(forged({})).subject == "profile"
    with pytest.raises(InvalidToken):
        internal.verify(forged({}, header))


def test_a_key_in_the_tokens_own_header_is_not_believed(internal: Verifier) -> None:
    stranger = new_pem()
    own = OKPKey.import_key(stranger).as_dict(private=False)
    with pytest.raises(InvalidToken):
        internal.verify(forged({}, {"jwk": own}, stranger))


def test_a_public_key_used_as_a_shared_secret_proves_nothing(internal: Verifier, signer: Signer) -> None:
    secret = OctKey.import_key(signer.jwk()["x"] + "=")
    token = jwt.encode({"alg": "HS256", "kid": "profile"}, {"iss": "profile"}, secret)
    with pytest.raises(InvalidToken):
        internal.verify(token)


def test_a_changed_token_proves_nothing(signer: Signer, internal: Verifier) -> None:
    good = signer.internal("retention")
    for bad in (good[:-2], good + "AA", good.replace(".", "..", 1), "", "a.b.c", "x" * 9000, "æ.ø.å", "\x00"):
        with pytest.raises(InvalidToken):
            internal.verify(bad)


def test_a_token_ends_with_its_time_and_thirty_seconds(signer: Signer, internal: Verifier, clock: MovedClock) -> None:
    token = signer.internal("retention")
    clock.advance(timedelta(seconds=89))
    internal.verify(token)
    clock.advance(timedelta(seconds=1))
    with pytest.raises(InvalidToken):
        internal.verify(token)


@pytest.mark.parametrize("role", [SERVICE, OPERATOR, Role("admin"), Role("")])
def test_a_person_cannot_claim_a_role_that_is_not_a_persons(clock: MovedClock, people: Verifier, role: Role) -> None:
    with pytest.raises(InvalidToken):
        people.verify(Signer("login", PEM, clock).login("profile", PERSON, role))


def test_a_person_needs_the_issuer_that_logs_people_in(clock: MovedClock, people: Verifier) -> None:
    with pytest.raises(InvalidToken):
        people.verify(Signer("login", PEM, clock).login("notifications", PERSON, MEMBER))


def test_an_edge_with_two_audiences_does_not_mix_their_keys(
    clock: MovedClock, internal: Verifier, people: Verifier, signer: Signer
) -> None:
    both = Verifiers(internal, people)
    assert both.verify(signer.internal("retention")).role == SERVICE
    assert both.verify(Signer("login", PEM, clock).login("profile", PERSON, MEMBER)).role == MEMBER
    with pytest.raises(InvalidToken):
        both.verify(Signer("login", PEM, clock).internal("retention"))
    with pytest.raises(InvalidToken):
        both.verify(signer.login("profile", PERSON, MEMBER))


def test_a_jwks_file_is_read_again_when_it_changes(tmp_path: Path, signer: Signer, clock: MovedClock) -> None:
    path = tmp_path / "services.jwks.json"
    path.write_text(jwks([signer.jwk()]))
    verifier = Verifier(JwksFile(path), AUDIENCE, clock)
    newcomer = Signer("retention", new_pem(), clock)
    with pytest.raises(InvalidToken):
        verifier.verify(newcomer.internal("retention"))
    path.write_text(jwks([signer.jwk(), newcomer.jwk()]))
    assert verifier.verify(newcomer.internal("retention")).subject == "retention"


def test_a_jwks_file_that_breaks_leaves_the_last_good_keys(tmp_path: Path, signer: Signer, clock: MovedClock) -> None:
    path = tmp_path / "services.jwks.json"
    path.write_text(jwks([signer.jwk()]))
    verifier = Verifier(JwksFile(path), AUDIENCE, clock)
    verifier.verify(signer.internal("retention"))
    path.write_text("{")
    os.utime(path, ns=(1, 1))
    assert verifier.verify(signer.internal("retention")).subject == "profile"
    path.unlink()
    assert verifier.verify(signer.internal("retention")).subject == "profile"


@pytest.mark.parametrize("content", ["{", "{}", "[]", '{"keys": [{"kty": "oct", "k": "AAAA", "kid": "profile"}]}'])
def test_a_jwks_file_without_public_keys_is_an_error_at_first_use(tmp_path: Path, content: str) -> None:
    path = tmp_path / "services.jwks.json"
    path.write_text(content)
    with pytest.raises(SafeError, match="JWKS"):
        JwksFile(path).load()


def test_a_private_key_in_a_jwks_is_refused() -> None:
    private = OKPKey.import_key(PEM).as_dict(private=True) | {"kid": "profile"}
    with pytest.raises(SafeError, match="Ed25519 public keys"):
        StaticKeys(json.dumps({"keys": [private]}))


@pytest.mark.parametrize("pem", [b"", b"not a key"])
def test_a_signer_says_which_key_it_could_not_read(clock: MovedClock, pem: bytes) -> None:
    with pytest.raises(SafeError, match="private key of profile"):
        Signer("profile", pem, clock)
