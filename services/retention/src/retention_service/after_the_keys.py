"""Table of contents of what follows once an erasure is done: its receipt is attested, proved and handed out."""

from chassis.reactions import Mode
from chassis.service import Service
from contracts.purposes import PurposeId

from retention_service.ask_holders import Asking
from retention_service.attest_erasure import ATTEST_ERASURE, attest_erasure
from retention_service.destruction import Destruction
from retention_service.prove_receipt import PROVE_RECEIPT, ReceiptProver
from retention_service.settings import RetentionSettings


def after_the_keys(service: Service, settings: RetentionSettings, asking: Asking, destruction: Destruction) -> None:
    """Declare it, as `app.py` does the rest."""
    attest, prover = attest_erasure(asking, destruction), ReceiptProver.told_by(service, settings)
    service.step(ATTEST_ERASURE, attest, mode=Mode.PROTOCOL, purpose=PurposeId.P8, category=None)
    service.errand(PROVE_RECEIPT, prover.run, mode=Mode.PROTOCOL, purpose=PurposeId.P8, category=None)
