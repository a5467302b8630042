"""Table of contents of the retention service: the keyring, and the erasure process."""

from functools import partial
from importlib.resources import files

from chassis.migrations import MigrationSource
from chassis.process import run
from chassis.reactions import Mode
from chassis.service import Service
from contracts.personal import Category
from contracts.privacy import (
    ErasureRequested,
    HolderRegistered,
    PersonalDataErased,
    ResidueScanned,
    ResidueScanRequested,
)
from contracts.profile import KeysAccountedFor, ProfileDeleted, ProfileRegistered
from contracts.purposes import PurposeId

from retention_service.after_the_fence import after_the_fence
from retention_service.after_the_keys import after_the_keys
from retention_service.api import key_routes, routes
from retention_service.ask_holders import ASK_AGAIN, Asking, ask_again
from retention_service.begin_held import begin_held
from retention_service.breaker import BEGIN_HELD, Breaker
from retention_service.collect_export import expire_export
from retention_service.deliver_first import ASK_AFTER_DELIVERY, ask_after_delivery
from retention_service.destroy_keys import DESTROY_KEYS, destroy_keys
from retention_service.erased_by_ledger import mark_by_ledger
from retention_service.fence import LOOK_EVERY, FenceRound
from retention_service.hold_reviews import LOOK_FOR_OVERDUE, HoldReviews
from retention_service.holder import HOLDER
from retention_service.keyring import Keyring
from retention_service.make_log_key import make_log_key
from retention_service.measures import RetentionMeasures
from retention_service.on_erasure_requested import on_erasure_requested
from retention_service.on_holder_registered import on_holder_registered
from retention_service.on_keys_accounted_for import on_keys_accounted_for
from retention_service.on_personal_data_erased import on_personal_data_erased
from retention_service.on_profile_deleted import on_profile_deleted
from retention_service.on_profile_registered import on_profile_registered
from retention_service.on_residue_scan_requested import on_residue_scan_requested
from retention_service.on_residue_scanned import on_residue_scanned
from retention_service.open_export import EXPIRE_EXPORT
from retention_service.rotate_keys import ROTATE_KEYS, KeyRotation
from retention_service.rotation_due import BACK_UP_EVERY, LOOK_WHETHER_DUE, RotationDue
from retention_service.scan_later import SCAN_AGAIN, SCAN_LATER, begin_scan, scan_again
from retention_service.settings import RetentionSettings
from retention_service.sweep_unused_keys import ASK_EVERY, UnusedKeys

KEY_CATEGORIES = frozenset({Category.RIGHTS_CASE})


def build(settings: RetentionSettings) -> Service:
    migrations = MigrationSource("retention", files("retention_service") / "migrations")
    service = Service("retention", settings, holder=HOLDER, key_categories=KEY_CATEGORIES, migrations=migrations)
    step = partial(service.step, mode=Mode.PROTOCOL, purpose=PurposeId.P8, category=None)
    asking, measures, keyring = Asking.told_by(settings), RetentionMeasures(service.metrics), Keyring.told_by(settings)
    due = RotationDue(service, keyring, settings.rotate_every, measures)
    service.at_migration.append(make_log_key(service, keyring))
    service.health.check("keyring", lambda: keyring.ready(service.database))
    service.recovers_with(mark_by_ledger(service, keyring.destruction.ledger))
    service.routes(key_routes(settings, keyring, measures), in_recovery=True)
    service.routes(routes(settings, keyring))
    service.protocol(HolderRegistered, on_holder_registered(asking))
    service.store(ProfileDeleted, on_profile_deleted(asking, Breaker.told_by(settings)), purpose=PurposeId.P8)
    service.store(ProfileRegistered, on_profile_registered, purpose=PurposeId.P8, opens=False)
    service.protocol(KeysAccountedFor, on_keys_accounted_for(keyring.destruction))
    service.protocol(ErasureRequested, on_erasure_requested(asking))
    service.protocol(PersonalDataErased, on_personal_data_erased(asking))
    service.protocol(ResidueScanRequested, on_residue_scan_requested)
    service.protocol(ResidueScanned, on_residue_scanned(asking, measures))
    step(SCAN_LATER, begin_scan(asking))
    step(SCAN_AGAIN, scan_again(asking))
    step(ASK_AGAIN, ask_again(asking))
    service.schedule("fence", FenceRound(service, settings, measures).run, every=LOOK_EVERY)
    step(ASK_AFTER_DELIVERY, ask_after_delivery(asking))
    step(EXPIRE_EXPORT, expire_export(keyring))
    step(BEGIN_HELD, begin_held(asking))
    after_the_fence(service, settings)
    step(DESTROY_KEYS, destroy_keys(keyring.destruction, measures))
    after_the_keys(service, settings, asking, keyring.destruction)
    rotation = KeyRotation(service, keyring, measures)
    service.errand(ROTATE_KEYS, rotation.run, mode=Mode.PROTOCOL, purpose=PurposeId.P8, category=None, concurrency=1)
    service.schedule("rotation_due", due.look, every=LOOK_WHETHER_DUE)
    service.schedule("unused_keys", UnusedKeys(service, measures).ask, every=ASK_EVERY)
    service.schedule("hold_reviews", HoldReviews(service, measures).look, every=LOOK_FOR_OVERDUE)
    service.schedule("keyring_backup", due.back_up, every=BACK_UP_EVERY)
    return service


if __name__ == "__main__":
    run(build, RetentionSettings)
