"""A receipt as a page to be read and printed: the same words as in the file, which alone is what can be checked."""

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from typing import Final

from contracts.receipt_files import HolderPart, Receipt

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}"
    "th,td{border-bottom:1px solid #ccc;padding:.3rem .5rem;text-align:left;vertical-align:top}"
    "code{word-break:break-all}@media print{a{color:inherit}}"
)
_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()

POLICY: Final = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; frame-ancestors 'none'"
"""The page's Content-Security-Policy: it loads nothing and runs nothing."""


def page_of(receipt: Receipt) -> str:
    """The page, complete in itself."""
    body = receipt.body
    facts = [
        ("Receipt", body.receipt),
        ("Edition", str(body.edition)),
        ("Asked for", body.requested_on),
        ("Done", body.done_on),
        ("What was erased", ", ".join(_words(category) for category in body.categories)),
        ("Unreadable in all living copies, but for what is held, since", body.unreadable.live_since),
        ("What was sealed unreadable in all backups by", body.unreadable.backups_by),
        ("Every service had read past the fence on", body.fence_passed_on),
        ("Recipients of the data that were told", str(body.recipients.told)),
        ("of them acknowledged", str(body.recipients.acknowledged)),
        ("of them silent so far", str(body.recipients.unresponsive)),
        ("Privacy policy", f"version {body.policy}"),
    ]
    scans = [(one.scanned_on, str(one.holders), str(one.columns), str(one.found)) for one in body.scans]
    gone = [(one.holder, one.retired_on) for one in body.retired]
    unanswered = _table(("Did not answer, and was given up for gone", "on"), gone) if gone else ""
    looked = _table(("Looked for residue on", "services", "columns", "rows found"), scans) if scans else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="robots" content="noindex">'
        f"<title>Receipt of an erasure</title><style>{_STYLE}</style></head><body>"
        "<h1>Receipt of an erasure</h1>"
        "<p>It names nobody. Whoever holds its file can check it offline, without us: see the guide"
        " <em>Verify a receipt</em>. Add <code>?format=json</code> to this page's address for the file.</p>"
        f"{_table((), facts)}"
        f"{_table(('Service', 'erased', 'held', 'day'), map(_part, body.holders))}"
        f"{unanswered}{looked}"
        f"<h2>Proof</h2><p>SHA-256 of what is attested: <code>{escape(body.digest())}</code></p>"
        f"<pre><code>{escape(receipt.proof)}</code></pre>"
        "</body></html>"
    )


def _part(part: HolderPart) -> tuple[str, str, str, str]:
    erased = "; ".join(f"{count} rows of {_words(category)}" for category, count in sorted(part.rows.items()))
    held = "; ".join(
        f"{one.records} records of {_words(one.category)}, GDPR Art. {one.ground}, reviewed by {one.review_on}"
        for one in part.held
    )
    return part.holder, erased or "nothing was there", held or "nothing", part.erased_on


def _table(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    heads = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{heads}</tr>{lines}</table>" if heads else f"<table>{lines}</table>"


def _words(name: str) -> str:
    return name.replace("_", " ")
