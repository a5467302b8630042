"""Notifications: tells people of new positions they asked for, by mail, and keeps the log of what was said to them."""

from functools import partial
from importlib.resources import files

from chassis.migrations import MigrationSource
from chassis.process import run
from chassis.reactions import Mode
from chassis.service import Service
from contracts.personal import Category
from contracts.position import PositionClosed, PositionPublished
from contracts.privacy import ErasureRequested
from contracts.profile import (
    DeletionAnnounced,
    JobInterestRemoved,
    JobInterestSaved,
    ProfileCorrected,
    ProfileRegistered,
)
from contracts.purposes import PurposeId
from contracts.receipts import LastMailRequested
from contracts.rights import RecipientMailRequested

from notifications_service.api import routes
from notifications_service.deliver_last_mail import LAST_MAIL, LastMailDelivery
from notifications_service.deliver_mail import MailDelivery
from notifications_service.deliver_recipient_mail import RECIPIENT_MAIL, RecipientMailDelivery
from notifications_service.holder import HOLDER
from notifications_service.mail_server import MailServer
from notifications_service.make_interest_search import keep_interests_searchable
from notifications_service.on_deletion_announced import on_deletion_announced
from notifications_service.on_erasure_requested import on_erasure_requested
from notifications_service.on_job_interest_removed import on_job_interest_removed
from notifications_service.on_job_interest_saved import on_job_interest_saved
from notifications_service.on_last_mail_requested import on_last_mail_requested
from notifications_service.on_position_closed import on_position_closed
from notifications_service.on_position_published import on_position_published
from notifications_service.on_profile_corrected import on_profile_corrected
from notifications_service.on_profile_registered import on_profile_registered
from notifications_service.on_recipient_mail_requested import on_recipient_mail_requested
from notifications_service.send_job_alert import JOB_ALERT, MAIL, send_job_alert
from notifications_service.settings import NotificationsSettings
from notifications_service.sweep_recipient_mails import SWEEP_EVERY, RecipientMailSweep

_KEYS = frozenset({Category.USER_INFORMATION, Category.COMMUNICATION})
_MIGRATIONS = MigrationSource("notifications", files("notifications_service") / "migrations")


def build(settings: NotificationsSettings) -> Service:
    service = Service("notifications", settings, holder=HOLDER, key_categories=_KEYS, migrations=_MIGRATIONS)
    service.store(ProfileRegistered, on_profile_registered, purpose=PurposeId.P4)
    service.store(ProfileCorrected, on_profile_corrected, purpose=PurposeId.P4)
    service.store(JobInterestSaved, on_job_interest_saved, purpose=PurposeId.P4)
    service.store(JobInterestRemoved, on_job_interest_removed, purpose=PurposeId.P4)
    service.use(PositionPublished, on_position_published, purpose=PurposeId.P4)
    service.store(PositionClosed, on_position_closed, purpose=PurposeId.P4)
    service.protocol(ErasureRequested, on_erasure_requested)
    alert = partial(send_job_alert, portal_url=str(settings.portal_url))
    service.step(JOB_ALERT, alert, mode=Mode.USE, purpose=PurposeId.P4, category=Category.USER_INFORMATION)
    sender = settings.mail_from
    server = MailServer(settings.smtp_host, settings.smtp_port, sender=sender)
    mail, last_mail = MailDelivery(service, server, sender=sender), LastMailDelivery(service, server, sender=sender)
    service.errand(MAIL, mail.deliver, mode=Mode.USE, purpose=PurposeId.P4, category=Category.COMMUNICATION)
    to_recipients = RecipientMailDelivery(service, server, sender=sender)
    service.store(DeletionAnnounced, on_deletion_announced(str(settings.portal_url)), purpose=PurposeId.P4)
    service.store(RecipientMailRequested, on_recipient_mail_requested, purpose=PurposeId.P8)
    service.errand(RECIPIENT_MAIL, to_recipients.deliver, mode=Mode.PROTOCOL, purpose=PurposeId.P8, category=None)
    service.protocol(LastMailRequested, on_last_mail_requested)
    service.errand(LAST_MAIL, last_mail.deliver, mode=Mode.PROTOCOL, purpose=PurposeId.P8, category=None)
    keep_interests_searchable(service)
    service.schedule("recipient_mail_sweep", RecipientMailSweep(service).run, every=SWEEP_EVERY)
    service.routes(routes)
    return service


if __name__ == "__main__":
    run(build, NotificationsSettings)
