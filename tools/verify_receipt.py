#!/usr/bin/env python3
"""Verifies the receipt of an erasure offline: python verify_receipt.py RECEIPT KEYS

One file, Python 3.11 or later and the package `cryptography`, and nothing of the system that it checks: no network, no
clock, no code of the issuer. It follows docs/guides/verify-a-receipt.md, which has the format in words.

Exit code 0: the receipt proves what it says. 1: it does not, and the reason is printed. 2: it was called wrongly.
"""

# pyright: basic
# what it reads is anybody's JSON: it checks each value's type itself, and a stranger reads it without annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

COUNT_LIMIT = 2**53
NAME = re.compile(r"[a-z0-9][a-z0-9_:.-]{0,99}")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
KEY_NAME = re.compile(r"[^\s+]{1,200}")


class Refused(Exception):
    """The receipt proves nothing, or the keys are none. The text says why."""


# What may stand in a file


def record(value, names, where):
    """An object with exactly these members."""
    if not isinstance(value, dict) or set(value) != set(names):
        raise Refused(f"{where}: the members must be {', '.join(sorted(names))}")
    return [value[name] for name in names]


def text(value, where, most=200):
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise Refused(f"{where}: not a text of 1 to {most} characters")
    return value


def matching(pattern, value, where):
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Refused(f"{where}: of another form")
    return value


def count(value, where, least=0, limit=COUNT_LIMIT):
    if type(value) is not int or not least <= value < limit:
        raise Refused(f"{where}: not a count")
    return value


def listed(value, where, least=0):
    if not isinstance(value, list) or len(value) < least:
        raise Refused(f"{where}: not a list of at least {least}")
    return value


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def standard_base64(value, where):
    """Base64 in its one form."""
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(f"{where}: not base64") from None
    if base64.b64encode(data).decode() != value:
        raise Refused(f"{where}: not base64 in its one form")
    return data


# Signatures


def is_signed(public, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def verifier_key(line):
    """A key NAME+ID+KEY (C2SP signed-note): its name, id, kind (1 signs notes, 4 cosigns them) and 32 bytes."""
    parts = line.strip().split("+", 2) if isinstance(line, str) else []
    if len(parts) != 3 or not KEY_NAME.fullmatch(parts[0]):
        raise Refused("a verifier key has the form NAME+ID+KEY")
    data = standard_base64(parts[2], "a verifier key")
    if len(data) != 33 or data[0] not in (1, 4):
        raise Refused("a verifier key is not one of Ed25519")
    key_id = hashlib.sha256(parts[0].encode() + b"\n" + data).digest()[:4]
    if key_id.hex() != parts[1]:
        raise Refused("the id of a verifier key is not its own")
    return parts[0], key_id, data[0], data[1:]


def read_keys(data):
    """The log's key, the witnesses' keys, and the holders' keys by name."""
    try:
        content = json.loads(data)
    except ValueError:
        raise Refused("the file of keys is not JSON") from None
    form, log, witnesses, holders = record(content, ["format", "log", "witnesses", "holders"], "keys")
    if form != "tillit-receipt-keys/1":
        raise Refused("the file of keys has another format")
    (jwks,) = record(holders, ["keys"], "keys.holders")
    found = {}
    for jwk in listed(jwks, "keys.holders.keys"):
        name, kind, curve, x = record(jwk, ["kid", "kty", "crv", "x"], "keys.holders.keys")
        if (kind, curve) != ("OKP", "Ed25519"):
            raise Refused("a holder's key is not one of Ed25519")
        try:
            public = base64.urlsafe_b64decode(text(x, "x") + "=" * (-len(x) % 4))
        except (binascii.Error, ValueError):
            raise Refused("a holder's key is not base64url") from None
        found.setdefault(matching(NAME, name, "kid"), []).append(public)
    return verifier_key(log), [verifier_key(one) for one in listed(witnesses, "keys.witnesses")], found


# The parts of a receipt


def check_body(body):
    names = ["receipt", "edition", "policy", "categories", "requested_on", "done_on", "fence_passed_on"]
    names += ["unreadable", "holders", "recipients", "scans"]
    if isinstance(body, dict) and "retired" in body:
        names.append("retired")
    receipt, edition, policy, categories, asked, done, fence, unreadable, holders, told, scans, *more = record(
        body, names, "body"
    )
    for retired in more:
        check_retired(retired)
    text(receipt, "body.receipt")
    count(edition, "body.edition", 1, 2**31)
    text(policy, "body.policy")
    for category in listed(categories, "body.categories", 1):
        matching(NAME, category, "body.categories")
    for where, value in (("requested_on", asked), ("done_on", done), ("fence_passed_on", fence)):
        matching(DAY, value, f"body.{where}")
    for value in record(unreadable, ["live_since", "backups_by"], "body.unreadable"):
        matching(DAY, value, "body.unreadable")
    for value in record(told, ["told", "acknowledged", "unresponsive"], "body.recipients"):
        count(value, "body.recipients")
    for scan in listed(scans, "body.scans"):
        day, *counts = record(scan, ["scanned_on", "holders", "columns", "found"], "body.scans")
        matching(DAY, day, "body.scans")
        for value in counts:
            count(value, "body.scans")
    for part in listed(holders, "body.holders", 1):
        check_part(part)


def check_retired(retired):
    """Who was gone for good and did not answer: the issuer's word, which the log committed to."""
    names = []
    for part in listed(retired, "body.retired", 1):
        holder, day = record(part, ["holder", "retired_on"], "body.retired")
        names.append(matching(NAME, holder, "body.retired.holder"))
        matching(DAY, day, "body.retired.retired_on")
    if names != sorted(set(names)):
        raise Refused("the retired holders are not in order, each once")


def check_part(part):
    holder, asking, categories, rows, held, day, signature = record(
        part, ["holder", "asking", "categories", "rows", "held", "erased_on", "signature"], "body.holders"
    )
    matching(NAME, holder, "body.holders.holder")
    if not 1 <= count(asking, "body.holders.asking") < 2**31:
        raise Refused("body.holders.asking: not counted from 1")
    for category in listed(categories, "body.holders.categories", 1):
        matching(NAME, category, "body.holders.categories")
    if not isinstance(rows, dict):
        raise Refused("body.holders.rows: not an object")
    for category, number in rows.items():
        matching(NAME, category, "body.holders.rows")
        count(number, "body.holders.rows")
    for one in listed(held, "body.holders.held"):
        category, ground, records, review = record(
            one, ["category", "ground", "records", "review_on"], "body.holders.held"
        )
        matching(NAME, category, "body.holders.held")
        text(ground, "body.holders.held")
        count(records, "body.holders.held")
        matching(DAY, review, "body.holders.held")
    matching(DAY, day, "body.holders.erased_on")
    text(signature, "body.holders.signature")


def check_statements(body, keys):
    """What each holder signed: its part of the body, under the receipt's name and a line that says what it is."""
    names = [part["holder"] for part in body["holders"]]
    if names != sorted(names):
        raise Refused("the holders are not in order")
    for part in body["holders"]:
        statement = {name: value for name, value in part.items() if name != "signature"}
        statement["receipt"] = body["receipt"]
        message = b"tillit erasure statement v1\n" + canonical(statement)
        try:
            signature = base64.b64decode(part["signature"], altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise Refused(f"the signature of {part['holder']} is not base64url") from None
        if part["holder"] not in keys:
            raise Refused(f"no key of the holder {part['holder']} is known")
        if not any(is_signed(key, message, signature) for key in keys[part["holder"]]):
            raise Refused(f"the statement of {part['holder']} is not signed by it")
    check_askings(body)


def check_askings(body):
    """Every holder but the retired answered the last asking, for all that is erased, and none answered one twice."""
    last = max(part["asking"] for part in body["holders"])
    retired = {part["holder"] for part in body.get("retired", [])}
    for name in sorted({part["holder"] for part in body["holders"]}):
        parts = [part for part in body["holders"] if part["holder"] == name]
        askings = [part["asking"] for part in parts]
        if askings != sorted(set(askings)):
            raise Refused(f"the answers of {name} are not in order, one to each asking")
        if name not in retired and (askings[-1], parts[-1]["categories"]) != (last, body["categories"]):
            raise Refused(f"{name} did not answer the last asking, for everything that is erased")


def check_leaf(leaf, payload, salt):
    """The log's entry is of this event: it holds HMAC-SHA256(salt, event), and nothing that names anybody."""
    lines = leaf.split("\n")
    fields = ["type", "source", "schema", "purposes", "bases", "hour", "commitment"]
    if len(lines) != 9 or lines[0] != "tillit-leaf/1" or lines[8] != "":
        raise Refused("the log's entry is no leaf")
    found = {}
    for name, line in zip(fields, lines[1:8], strict=True):
        word, _, value = line.partition(" ")
        if word != name:
            raise Refused("the log's entry is no leaf")
        found[name] = value
    if (found["type"], found["source"]) != ("erasure.attested.v1", "retention"):
        raise Refused("the log's entry is of another event")
    if found["commitment"] != hmac.digest(salt, payload, "sha256").hex():
        raise Refused("the log's entry commits to another event")


def check_proof(proof, leaf, log, witnesses):
    """The entry stands in the tree (RFC 6962) whose root the log and every witness signed. The answer is its size."""
    head, blank, note = proof.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines[0] != "c2sp.org/tlog-proof@v1" or len(lines) < 2:
        raise Refused("the proof: this is no proof of an entry")
    word, _, number = lines[1].partition(" ")
    if word != "index" or not NUMBER.fullmatch(number):
        raise Refused("the proof: there is no index")
    path = [standard_base64(line, "the proof") for line in lines[2:]]
    if any(len(step) != 32 for step in path):
        raise Refused("the proof: a step is no hash")
    size, root = check_note(note, log, witnesses)
    found = hashlib.sha256(b"\x00" + leaf.encode()).digest()
    if root_from(found, int(number), size, path) != root:
        raise Refused("the proof: it leads to another root")
    return size


def root_from(leaf, index, size, path):
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2)."""
    if not index < size:
        raise Refused("the proof: the entry is not in a tree of this size")
    at, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            raise Refused("the proof: it is too long")
        if at % 2 or at == last:
            found = hashlib.sha256(b"\x01" + step + found).digest()
            while at % 2 == 0 and at != 0:
                at, last = at // 2, last // 2
        else:
            found = hashlib.sha256(b"\x01" + found + step).digest()
        at, last = at // 2, last // 2
    if last != 0:
        raise Refused("the proof: it is too short")
    return found


def check_note(note, log, witnesses):
    """A signed checkpoint (C2SP tlog-checkpoint): its size and root."""
    if len(note.encode()) > 65536 or any(character < " " and character != "\n" for character in note):
        raise Refused("the checkpoint is no note")
    body, blank, signed = note.rpartition("\n\n")
    if not blank or not signed.endswith("\n"):
        raise Refused("the checkpoint has no signatures")
    body += "\n"
    lines = body.split("\n")
    if len(lines) < 4 or not NUMBER.fullmatch(lines[1]):
        raise Refused("the checkpoint has not origin, size and root")
    root = standard_base64(lines[2], "the checkpoint")
    if lines[0] != log[0]:
        raise Refused("the checkpoint is of another log")
    if len(root) != 32:
        raise Refused("the checkpoint's root is no hash")
    signatures = [signature_line(line) for line in signed[:-1].split("\n")]
    for name, key_id, kind, public in [log, *witnesses]:
        own = [value for signer, signer_id, value in signatures if (signer, signer_id) == (name, key_id)]
        if not own or not all(cosigned(kind, public, body, value) for value in own):
            raise Refused(f"the checkpoint is not signed by {name}")
    return int(lines[1]), root


def signature_line(line):
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    data = standard_base64(encoded, "a signature of the checkpoint")
    if dash != "\u2014" or not KEY_NAME.fullmatch(name) or len(data) < 5:
        raise Refused("a signature of the checkpoint has another form")
    return name, data[:4], data[4:]


def cosigned(kind, public, body, value):
    """The log signs the text; a witness signs the text and a time (C2SP tlog-cosignature)."""
    if kind == 1:
        return is_signed(public, body.encode(), value)
    at = int.from_bytes(value[:8], "big")
    message = f"cosignature/v1\ntime {at}\n{body}".encode()
    return len(value) == 72 and at < 2**63 and is_signed(public, message, value[8:])


def verify(data, keys_data):
    """The receipt's body, the size of the log under which it stands, and the holders that state nothing in it.

    Raises:
        Refused: it proves nothing.
    """
    log, witnesses, holder_keys = read_keys(keys_data)
    if len(data) > 1024 * 1024:
        raise Refused("the file is too large for a receipt")
    try:
        content = json.loads(data)
        same = canonical(content) + b"\n" == data
    except (ValueError, RecursionError):
        raise Refused("the file is no receipt: it is not JSON") from None
    if not same:
        raise Refused("the file is not in the one form that receipts have: it was changed, or written anew")
    form, body, event, leaf, proof = record(content, ["format", "body", "event", "leaf", "proof"], "receipt")
    payload, salt = record(event, ["payload", "salt"], "event")
    if form != "tillit-receipt/1" or not all(isinstance(one, str) for one in (payload, salt, leaf, proof)):
        raise Refused("the file is no receipt")
    check_body(body)
    check_statements(body, holder_keys)
    digest = hashlib.sha256(canonical(body)).hexdigest()
    attested = json.dumps({"receipt": body["receipt"], "digest": digest}, separators=(",", ":"), ensure_ascii=False)
    if payload != attested:
        raise Refused("the event attests another body")
    salt_bytes = standard_base64(salt, "the salt")
    if len(salt_bytes) != 32:
        raise Refused("the salt has not 32 bytes")
    check_leaf(leaf, payload.encode(), salt_bytes)
    named = {part["holder"] for part in (*body["holders"], *body.get("retired", []))}
    silent = sorted(set(holder_keys) - named)
    return body, check_proof(proof, leaf, log, witnesses), silent


def told(body, size, silent):
    """What the receipt proves, in words."""
    lines = [f"The receipt {body['receipt']}, edition {body['edition']}, proves what it says:"]
    lines.append(f"asked for on {body['requested_on']}, done on {body['done_on']}: {', '.join(body['categories'])}")
    for name in sorted({part["holder"] for part in body["holders"]}):
        # a holder that was asked again states again: its rows add up, and what it holds is what it said last
        parts = [part for part in body["holders"] if part["holder"] == name]
        categories = sorted({category for part in parts for category in part["rows"]})
        counts = [(sum(part["rows"].get(category, 0) for part in parts), category) for category in categories]
        rows = ", ".join(f"{number} rows of {category}" for number, category in counts)
        kept = sum(one["records"] for one in parts[-1]["held"])
        lines.append(f"  {name} erased {rows or 'nothing, for nothing was there'}; {kept} records are held")
    for part in body.get("retired", []):
        lines.append(
            f"WARNING: {part['holder']} was retired on {part['retired_on']} and did not answer: see what it held"
        )
    for name in silent:
        lines.append(f"WARNING: {name}, whose key you have, states nothing here: it came later, or was left out")
    lines.append(f"but for what is held, no living copy can be read since {body['unreadable']['live_since']},")
    lines.append(f"and nothing that is sealed in a backup from {body['unreadable']['backups_by']} on")
    lines.append(f"{body['recipients']['told']} recipients were told; {len(body['scans'])} later scans are in it")
    lines.append(f"It stands in the public log, in its tree of {size} entries, which its keys signed.")
    return "\n".join(lines)


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        print(told(*verify(Path(arguments[0]).read_bytes(), Path(arguments[1]).read_bytes())))
    except OSError as error:
        print(f"can't read {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except Refused as error:
        print(f"REFUSED: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
