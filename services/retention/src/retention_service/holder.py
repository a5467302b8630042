"""What the retention service holds of people, and why its keyring outlives every erasure."""

from chassis.holders import Holder
from chassis.personal_tables import Clock, PersonalTable
from contracts.personal import Category

from retention_service.ask_holders import ASK_AGAIN
from retention_service.attest_erasure import ATTEST_ERASURE
from retention_service.breaker import BEGIN_HELD
from retention_service.deliver_first import ASK_AFTER_DELIVERY
from retention_service.destroy_keys import DESTROY_KEYS
from retention_service.open_export import EXPIRE_EXPORT
from retention_service.request_last_mail import LAST_MAIL
from retention_service.scan_later import SCAN_AGAIN, SCAN_LATER
from retention_service.tell_recipients import TELL_ALL, TELL_RECIPIENTS
from retention_service.write_to_recipients import RECIPIENT_HAS_MAIL, TELL_AGAIN

_RULE = "D5: proof that the erasure happened, kept 3 years after it ended"

HOLDER = Holder(
    "retention",
    tables=(
        PersonalTable(
            "erasure_holders",
            category=Category.RIGHTS_CASE,
            owner="subject_id",
            rule=_RULE,
            other=("erasure_id", "holder", "attempts", "asked_at", "replied_at", "rows", "statement", "former"),
        ),
        PersonalTable(
            "held_back",
            category=Category.RIGHTS_CASE,
            owner="subject_id",
            rule="until two officers release the breaker",
            other=("erasure_id", "trip_id"),
        ),
        PersonalTable(
            "erasures",
            category=Category.RIGHTS_CASE,
            owner="subject_id",
            rule=_RULE,
            other=(
                *("erasure_id", "reason", "categories", "nonce", "former_nonces", "asking", "stage", "fence_id"),
                *("requested_at", "due_at", "answered_at", "fenced_at", "done_at"),
                *("receipt", "receipt_name", "policy", "told_at", "mailed_at", "mail_outcome"),
            ),
            clock=Clock("done_at", months=36),
        ),
        PersonalTable(
            "residue_scans",
            category=Category.RIGHTS_CASE,
            owner="subject_id",
            rule=_RULE,
            other=(
                *("nonce", "holder", "erasure_id", "attempts", "requested_at", "asked_at", "replied_at"),
                *("columns", "found"),
            ),
        ),
        PersonalTable(
            "holds",
            category=Category.RIGHTS_CASE,
            owner="subject_id",
            rule="D5: 3 years after it was lifted",
            sealed=("reason",),
            other=(
                *("hold_id", "category", "holder", "table_name", "records", "ground", "owner", "placed_at"),
                *("review_on", "reviewed_at", "reviewed_by", "lifted_at", "lifted_by"),
            ),
            record="hold_id",
            clock=Clock("lifted_at", months=36),
        ),
        PersonalTable(
            "exports",
            category=Category.RIGHTS_CASE,
            owner="subject_id",
            rule="the archive until it was fetched, for 7 days at most; the row as D5",
            sealed=("archive",),
            plain=("link_sha256",),
            record="export_id",
            holdable=False,  # a copy of what others hold
            other=("export_id", "opened_by", "opened_at", "expires_at", "closed_at", "ended"),
            clock=Clock("closed_at", months=36),
        ),
        PersonalTable(
            "disclosures",
            category=Category.RIGHTS_CASE,
            owner="subject_id",
            rule="S4: as long as the recipient may have to be told; D5: 3 years after an erasure",
            sealed=("what",),
            other=("disclosure_id", "recipient_id", "reference", "data_category", "disclosed_at"),
        ),
        PersonalTable(
            "notices",
            category=Category.RIGHTS_CASE,
            owner="subject_id",
            rule="D5: proof that recipients were told, kept 3 years",
            other=(
                *("notice_id", "occasion_id", "kind", "recipient_id", "refs", "state", "failures", "reminders"),
                *("made_at", "tried_at", "told_at", "acknowledged_at", "acted_at", "answer_signature"),
            ),
        ),
    ),
    impersonal={
        "recipients": "organisations that may receive data, with functional mailboxes, about no person",
        "subject_keys": "random keys, destroyed by the erasure's last step; the empty row keeps them from coming back",
        "ledger_state": "how far this database has taken in the ledger of destroyed keys",
        "rotations": "rotations of the key-encryption key, about no person",
        "holders": "services and their tables, about no person",
        "holder_retirements": "services that are gone, and the officers who said so, about no person",
        "receipts": "receipts name nobody: counts and days under a name that only its bearer can find",
        "fences": "offsets of topics, about no person",
        "breaker_trips": "how many erasures were stopped when, and the officers who released them",
    },
    work_kinds={
        ASK_AFTER_DELIVERY: Category.RIGHTS_CASE,
        EXPIRE_EXPORT: Category.RIGHTS_CASE,
        ASK_AGAIN: Category.RIGHTS_CASE,
        BEGIN_HELD: Category.RIGHTS_CASE,
        TELL_RECIPIENTS: Category.RIGHTS_CASE,
        TELL_ALL: Category.RIGHTS_CASE,
        TELL_AGAIN: Category.RIGHTS_CASE,
        RECIPIENT_HAS_MAIL: Category.RIGHTS_CASE,
        LAST_MAIL: Category.RIGHTS_CASE,
        ATTEST_ERASURE: Category.RIGHTS_CASE,
        DESTROY_KEYS: Category.RIGHTS_CASE,
        SCAN_LATER: Category.RIGHTS_CASE,
        SCAN_AGAIN: Category.RIGHTS_CASE,
    },
    kept_ids={"subject_keys.subject_id": "its row, emptied, is what keeps the key from coming back"},
)
