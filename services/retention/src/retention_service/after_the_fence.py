"""Table of contents of what comes between the fence and the keys: recipients are told, and then the person."""

from chassis.reactions import Mode
from chassis.service import Service
from contracts.communication import LastMailEnded
from contracts.purposes import PurposeId

from retention_service.on_last_mail_ended import on_last_mail_ended
from retention_service.request_last_mail import LAST_MAIL, LastMail
from retention_service.settings import RetentionSettings
from retention_service.tell_recipients import TELL_RECIPIENTS, tell_recipients


def after_the_fence(service: Service, settings: RetentionSettings) -> None:
    """Declare it, as `app.py` does the rest."""
    last_mail = LastMail(service, settings)
    service.step(TELL_RECIPIENTS, tell_recipients, mode=Mode.PROTOCOL, purpose=PurposeId.P8, category=None)
    service.errand(LAST_MAIL, last_mail.request, mode=Mode.PROTOCOL, purpose=PurposeId.P8, category=None)
    service.protocol(LastMailEnded, on_last_mail_ended)
