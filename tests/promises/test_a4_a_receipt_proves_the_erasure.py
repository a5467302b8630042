"""Who is forgotten gets a receipt by mail, and anybody can check it offline with tools that we did not have to run."""

import json
import re
import subprocess
import sys
from pathlib import Path

from contracts.receipt_files import Receipt, check_receipt
from contracts.receipt_keys import read_receipt_keys
from contracts.receipts import name_of
from tillit_cli.log import is_signed
from tillit_cli.receipt import awaited, public_keys

from .system import SECONDS, JobSeeker, System

TOOL = Path(__file__).parents[2] / "tools/verify_receipt.py"


async def test_a4_the_last_mail_links_to_a_receipt_that_both_verifiers_believe_offline(
    system: System, tmp_path: Path
) -> None:
    who, number, file = await _forgotten(system)
    keys = await public_keys(system.info.services["retention"])
    checked = check_receipt(file, read_receipt_keys(keys), is_signed)
    body = checked.receipt.body
    assert body.receipt == name_of(number)
    assert {part.holder for part in body.holders} == set(system.info.services)
    assert sum(part.rows.get("user_information", 0) for part in body.holders) > 2
    assert "witness.tillit.example" in checked.receipt.proof
    said = _alone(tmp_path, file, keys)
    assert said.returncode == 0, said.stderr
    assert f"The receipt {body.receipt}, edition 1, proves what it says" in said.stdout
    for secret in (str(who.subject_id), who.person.email, who.person.name, number):
        assert secret not in file.decode()


async def test_a4_a_receipt_that_was_changed_is_believed_by_neither_verifier(system: System, tmp_path: Path) -> None:
    _, _, file = await _forgotten(system)
    keys = await public_keys(system.info.services["retention"])
    content = json.loads(file)
    content["body"]["holders"][0]["rows"] = {"user_information": 0}
    forged = json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    said = _alone(tmp_path, forged, keys)
    assert (said.returncode, "REFUSED" in said.stderr) == (1, True)
    assert Receipt.model_validate_json(forged) != Receipt.model_validate_json(file)


async def _forgotten(system: System) -> tuple[JobSeeker, str, bytes]:
    """Somebody who was erased, the number in their last mail, and the file that its link serves."""
    who = await system.job_seeker()
    await system.settled()
    await system.erased(who, "everything")
    (number,) = {
        found[1]
        for mail in await system.mails_to(who.person.email)
        if (found := re.search(r"/receipts/([\w-]{43})", mail)) is not None
    }
    return who, number, await awaited(system.info.services["retention"], number, seconds=SECONDS)


def _alone(folder: Path, receipt: bytes, keys: bytes) -> "subprocess.CompletedProcess[str]":
    """The verifier that ships beside the system, in a process that can import none of it."""
    (folder / "receipt.json").write_bytes(receipt)
    (folder / "keys.json").write_bytes(keys)
    command = [sys.executable, "-I", str(TOOL), str(folder / "receipt.json"), str(folder / "keys.json")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)
