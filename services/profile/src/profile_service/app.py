"""Profile: people, employers, positions, job interests, login, and the end of a profile."""

from functools import partial
from importlib.resources import files

from chassis.migrations import MigrationSource
from chassis.process import run
from chassis.reactions import Mode
from chassis.service import Service
from contracts.personal import Category
from contracts.privacy import ErasureRequested
from contracts.purposes import PurposeId
from contracts.rights import InactivitySuspected, KeysUnconfirmed

from profile_service.api import routes
from profile_service.delete_profile import FINAL_DELETION, FinalDeletion
from profile_service.expire_position import EXPIRY, expire_position
from profile_service.holder import HOLDER
from profile_service.on_erasure_requested import on_erasure_requested
from profile_service.on_inactivity_suspected import on_inactivity_suspected
from profile_service.on_keys_unconfirmed import on_keys_unconfirmed
from profile_service.put_back import put_back
from profile_service.settings import ProfileSettings

_KEYS = frozenset({Category.USER_INFORMATION})
_MIGRATIONS = MigrationSource("profile", files("profile_service") / "migrations")


def build(settings: ProfileSettings) -> Service:
    service = Service("profile", settings, holder=HOLDER, key_categories=_KEYS, migrations=_MIGRATIONS)
    service.protocol(ErasureRequested, on_erasure_requested)
    service.protocol(KeysUnconfirmed, on_keys_unconfirmed)
    service.store(InactivitySuspected, on_inactivity_suspected, purpose=PurposeId.P8)
    user_information = Category.USER_INFORMATION
    final = FinalDeletion(service)
    service.errand(FINAL_DELETION, final.run, mode=Mode.STORE, purpose=PurposeId.P8, category=user_information)
    service.step(EXPIRY, expire_position, mode=Mode.STORE, purpose=PurposeId.P2, category=None)
    put_back(service)
    service.routes(partial(routes, settings=settings))
    return service


if __name__ == "__main__":
    run(build, ProfileSettings)
