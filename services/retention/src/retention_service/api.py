"""The service's HTTP routes: the keyring for services, the erasures for the operator."""

from collections.abc import Callable

from chassis.jwks import JwksFile
from chassis.rate_limit import Limit
from chassis.service import Service
from fastapi import APIRouter

from retention_service.ask_holders import Asking
from retention_service.breaker_api import breaker_routes
from retention_service.destroyed_keys_api import destroyed_keys_routes
from retention_service.erasures_api import erasure_routes
from retention_service.erasures_since_api import erasures_since_routes
from retention_service.exports_api import export_routes
from retention_service.holders_api import holder_routes
from retention_service.holds_api import hold_routes
from retention_service.keyring import Keyring
from retention_service.keyring_api import keyring_routes
from retention_service.measures import RetentionMeasures
from retention_service.public_log import LogTrust
from retention_service.receipts_api import receipt_routes
from retention_service.recipients_api import recipient_routes
from retention_service.rotation_api import rotation_routes
from retention_service.settings import RetentionSettings


def key_routes(
    settings: RetentionSettings, keyring: Keyring, measures: RetentionMeasures
) -> Callable[[Service], APIRouter]:
    """Made once the service is open; without key-encryption keys it does not start to serve."""

    def routes(service: Service) -> APIRouter:
        keyring.store.current()
        limit = Limit("keyring", f"{settings.key_requests_per_second}/second")
        return keyring_routes(service, keyring, measures, limit)

    return routes


def routes(settings: RetentionSettings, keyring: Keyring) -> Callable[[Service], APIRouter]:
    """All others."""

    def routes(service: Service) -> APIRouter:
        router = APIRouter()
        router.include_router(destroyed_keys_routes(service, keyring))
        router.include_router(rotation_routes(service, keyring, settings.rotate_every))
        router.include_router(erasures_since_routes(service))
        router.include_router(erasure_routes(service))
        router.include_router(breaker_routes(service, settings.officers_known))
        router.include_router(holder_routes(service, settings.officers_known, Asking.told_by(settings)))
        router.include_router(hold_routes(service, keyring, settings.officers_known))
        trusted = JwksFile(settings.service_jwks_file)
        router.include_router(receipt_routes(service, settings.holders_required, trusted, LogTrust.of(settings)))
        router.include_router(export_routes(service, keyring, settings.officers_known))
        router.include_router(recipient_routes(service, settings.officers_known))
        return router

    return routes
