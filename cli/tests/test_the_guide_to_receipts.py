"""The guide to receipts shows what its commands say, on the example beside it."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from contracts.receipt_files import Receipt, ReceiptBody
from tillit_cli.main import app
from typer.testing import CliRunner

from .made_receipts import Issuer

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/guides/verify-a-receipt.md"
EXAMPLE = ROOT / "docs/guides/receipt-example"


def test_the_example_is_the_receipt_that_the_tests_make() -> None:
    assert (EXAMPLE / "receipt.json").read_bytes() == Issuer().receipt().to_bytes()
    assert (EXAMPLE / "keys.json").read_bytes() == Issuer().keys()


def test_the_first_command_of_the_guide_says_what_the_guide_shows() -> None:
    shown = re.search(r"```console\n\$ (python [^\n]+)\n(.+?)```", GUIDE.read_text(), re.DOTALL)
    assert shown is not None
    command = [sys.executable, *shlex.split(shown[1])[1:]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, shown[2])


def test_the_command_of_ours_says_the_same_and_ends_with_the_reason_when_it_refuses(tmp_path: Path) -> None:
    keys = ["--keys", str(EXAMPLE / "keys.json")]
    good = CliRunner().invoke(app, ["receipt", "verify", str(EXAMPLE / "receipt.json"), *keys])
    assert good.exit_code == 0, good.output
    assert "proves what it says" in good.output
    forged = tmp_path / "forged.json"
    forged.write_bytes((EXAMPLE / "receipt.json").read_bytes().replace(b'"edition":2', b'"edition":1'))
    bad = CliRunner().invoke(app, ["receipt", "verify", str(forged), *keys])
    assert bad.exit_code == 1
    assert "REFUSED: the event attests another body" in bad.output


@pytest.mark.parametrize("model", [Receipt, ReceiptBody])
def test_the_guide_names_every_member_of_a_receipt(model: type[Receipt | ReceiptBody]) -> None:
    text = GUIDE.read_text()
    assert [name for name in model.model_fields if f"`{name}" not in text] == []
