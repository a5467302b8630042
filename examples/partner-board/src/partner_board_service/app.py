"""Table of contents of the partner board."""

from importlib.resources import files

from chassis.migrations import MigrationSource
from chassis.process import run
from chassis.service import Service
from chassis.settings import ServiceSettings
from contracts.personal import Category
from contracts.privacy import ErasureRequested, SubjectErased
from contracts.profile import JobInterestSaved
from contracts.purposes import PurposeId

from partner_board_service.api import routes
from partner_board_service.holder import HOLDER
from partner_board_service.on_erasure_requested import on_erasure_requested
from partner_board_service.on_job_interest_saved import on_job_interest_saved
from partner_board_service.on_subject_erased import on_subject_erased

_KEYS = frozenset({Category.USER_INFORMATION})
_MIGRATIONS = MigrationSource("partner-board", files("partner_board_service") / "migrations")


def build(settings: ServiceSettings) -> Service:
    service = Service("partner-board", settings, holder=HOLDER, key_categories=_KEYS, migrations=_MIGRATIONS)
    service.store(JobInterestSaved, on_job_interest_saved, purpose=PurposeId.P4)
    service.protocol(ErasureRequested, on_erasure_requested)
    service.protocol(SubjectErased, on_subject_erased)
    service.routes(routes)
    return service


if __name__ == "__main__":
    run(build, ServiceSettings)
