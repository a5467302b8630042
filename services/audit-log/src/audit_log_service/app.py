"""The audit log: every event of every topic, in order, sealed as it came."""

from importlib.resources import files

from chassis.migrations import MigrationSource
from chassis.process import run
from chassis.service import Service
from contracts.personal import Category
from contracts.privacy import ErasureRequested

from audit_log_service.api import routes
from audit_log_service.holder import HOLDER
from audit_log_service.on_erasure_requested import on_erasure_requested
from audit_log_service.on_every_event import on_every_event
from audit_log_service.settings import AuditLogSettings

_KEYS = frozenset({Category.WEBSITE_USAGE})  # it stores what others sealed, and can open none of it
_MIGRATIONS = MigrationSource("audit-log", files("audit_log_service") / "migrations")


def build(settings: AuditLogSettings) -> Service:
    service = Service("audit-log", settings, holder=HOLDER, key_categories=_KEYS, migrations=_MIGRATIONS)
    service.every_record(on_every_event)
    service.protocol(ErasureRequested, on_erasure_requested)
    service.routes(routes)
    return service


if __name__ == "__main__":
    run(build, AuditLogSettings)
