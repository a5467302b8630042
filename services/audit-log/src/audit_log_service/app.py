"""The audit log: every event of every topic, in order, sealed as it came, and a public tree that commits to all."""

from datetime import timedelta
from functools import partial
from importlib.resources import files

from chassis.migrations import MigrationSource
from chassis.process import run
from chassis.service import Service
from contracts.personal import Category
from contracts.privacy import ErasureRequested

from audit_log_service.api import routes
from audit_log_service.holder import HOLDER
from audit_log_service.log_api import log_routes
from audit_log_service.log_folder import LogFolder
from audit_log_service.log_key import load_log_key
from audit_log_service.log_measures import LogMeasures
from audit_log_service.on_erasure_requested import on_erasure_requested
from audit_log_service.on_every_event import on_every_event
from audit_log_service.recover_leaves import recover_leaves
from audit_log_service.sequencer import Sequencer
from audit_log_service.settings import AuditLogSettings
from audit_log_service.witness import Witness

_KEYS = frozenset({Category.WEBSITE_USAGE})  # it stores what others sealed, and can open none of it
_MIGRATIONS = MigrationSource("audit-log", files("audit_log_service") / "migrations")


def build(settings: AuditLogSettings) -> Service:
    service = Service("audit-log", settings, holder=HOLDER, key_categories=_KEYS, migrations=_MIGRATIONS)
    service.every_record(on_every_event)
    service.protocol(ErasureRequested, on_erasure_requested)
    service.routes(routes)

    folder, key, measures = LogFolder(settings.log_dir), partial(load_log_key, settings), LogMeasures(service.metrics)
    sequencer = Sequencer(lambda: service.database, folder, key, measures, Witness.of(settings))
    service.schedule("log", sequencer.take_turn, every=timedelta(seconds=1))
    service.health.check("log", sequencer.check)
    service.routes(lambda _: log_routes(service, folder, key()))
    service.at_migration.append(lambda: recover_leaves(service.database, folder, key()))
    return service


if __name__ == "__main__":
    run(build, AuditLogSettings)
