import base64
import json
import os
from uuid import UUID, uuid4

from chassis.keys import KeyName
from chassis.outbox import pack_headers
from chassis.sealing import BlobHeader, seal
from contracts.personal import SubjectId
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from tillit_cli.proof.sealed_blobs import BlobFinder, FoundBlob, open_with_own_keys, try_every_key

WHO, OTHER = uuid4(), uuid4()
KEY, OTHER_KEY = os.urandom(32), os.urandom(32)


def blob(payload: bytes = b"{}", who: UUID = WHO, key: bytes = KEY) -> bytes:
    return seal(AESGCM(key), BlobHeader(who, "user_information", uuid4(), "profiles"), payload)


def found(value: bytes, who: UUID = WHO) -> list[bytes]:
    return list(BlobFinder(who).blobs_in(value))


def test_a_column_that_is_a_blob_is_found_whole() -> None:
    sealed = blob(b"a person")
    assert found(sealed) == [sealed]


@given(payload=st.binary(max_size=100), before=st.text(max_size=20))
def test_every_blob_in_a_body_of_json_is_found_whole(payload: bytes, before: str) -> None:
    first, second = blob(payload), blob(payload + b"!")
    body = {"before": before, "sealed": [base64.urlsafe_b64encode(one).decode() for one in (first, second)]}
    assert found(json.dumps(body).encode()) == [first, second]


def test_a_blob_in_a_packed_header_is_found_in_either_alphabet() -> None:
    sealed = blob(os.urandom(200))
    for encoded in (base64.b64encode(sealed), base64.urlsafe_b64encode(sealed)):
        packed = pack_headers([("ce_id", b"1"), ("ce_salt", encoded), ("ce_time", b"now")])
        assert found(packed) == [sealed]


def test_the_blobs_of_other_people_are_not_theirs() -> None:
    assert found(blob(who=OTHER)) == []
    assert found(json.dumps([base64.b64encode(blob(who=OTHER)).decode()]).encode()) == []


@given(st.binary(max_size=300))
def test_no_bytes_whatever_stop_the_search(noise: bytes) -> None:
    header = bytes((1,)) + WHO.bytes
    for value in (noise, header + noise, base64.b64encode(header) + noise):
        list(BlobFinder(WHO).blobs_in(value))


def test_a_blob_opens_with_the_key_that_its_header_names_and_no_other_is_tried() -> None:
    blobs = [FoundBlob("profile.profiles", blob()), FoundBlob("profile.resumes", blob(key=OTHER_KEY))]
    keys = {KeyName(SubjectId(WHO), "user_information"): KEY, KeyName(SubjectId(OTHER), "user_information"): OTHER_KEY}
    assert open_with_own_keys(blobs, keys) == [blobs[1]]
    assert open_with_own_keys(blobs, {}) == blobs


def test_every_key_is_tried_on_every_blob_whoever_it_belongs_to() -> None:
    blobs = [FoundBlob("Kafka.profile.v1", blob()), FoundBlob("profile.profiles", blob(key=os.urandom(32)))]
    tried = try_every_key(
        blobs, {KeyName(SubjectId(OTHER), "communication"): KEY, KeyName(SubjectId(OTHER), "x"): OTHER_KEY}
    )
    assert tried.pairs == 4
    assert tried.opened == [blobs[0]]


def test_without_keys_nothing_opens_and_nothing_was_tried() -> None:
    tried = try_every_key([FoundBlob("Kafka.profile.v1", blob())], {})
    assert (tried.pairs, tried.opened) == (0, [])
