"""Table of contents of what comes between the fence and the keys: recipients are told, and then the person."""

from functools import partial

from chassis.reactions import Mode
from chassis.service import Service
from contracts.communication import LastMailEnded, RecipientMailSent
from contracts.disclosure import PersonalDataDisclosed, RecipientRegistered
from contracts.profile import ProfileCorrected
from contracts.purposes import PurposeId
from contracts.rights import ProcessingRestricted

from retention_service.on_last_mail_ended import on_last_mail_ended
from retention_service.on_personal_data_disclosed import on_personal_data_disclosed
from retention_service.on_processing_restricted import on_processing_restricted
from retention_service.on_profile_corrected import on_profile_corrected
from retention_service.on_recipient_mail_sent import on_recipient_mail_sent
from retention_service.on_recipient_registered import on_recipient_registered
from retention_service.request_last_mail import LAST_MAIL, LastMail
from retention_service.settings import RetentionSettings
from retention_service.tell_recipients import TELL_ALL, TELL_RECIPIENTS, tell_recipients
from retention_service.write_to_recipients import RECIPIENT_HAS_MAIL, TELL_AGAIN, Telling, recipient_has_mail


def after_the_fence(service: Service, settings: RetentionSettings) -> None:
    """Declare it, as `app.py` does the rest."""
    step = partial(service.step, mode=Mode.PROTOCOL, purpose=PurposeId.P8, category=None)
    errand = partial(service.errand, mode=Mode.PROTOCOL, purpose=PurposeId.P8, category=None)
    telling, last_mail = Telling(service, settings), LastMail(service, settings)
    service.store(RecipientRegistered, on_recipient_registered(settings), purpose=PurposeId.P8)
    service.store(PersonalDataDisclosed, on_personal_data_disclosed, purpose=PurposeId.P8)
    service.store(ProfileCorrected, on_profile_corrected, purpose=PurposeId.P8)
    service.protocol(ProcessingRestricted, on_processing_restricted)
    service.store(RecipientMailSent, on_recipient_mail_sent, purpose=PurposeId.P8)
    step(TELL_RECIPIENTS, tell_recipients)
    errand(TELL_ALL, telling.tell_all)
    errand(TELL_AGAIN, telling.tell_again)
    step(RECIPIENT_HAS_MAIL, recipient_has_mail)
    errand(LAST_MAIL, last_mail.request)
    service.protocol(LastMailEnded, on_last_mail_ended)
