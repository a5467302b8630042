"""The service's HTTP routes: the keyring for services, the erasures for the operator."""

from collections.abc import Callable, Collection
from pathlib import Path

from chassis.service import Service
from fastapi import APIRouter

from retention_service import kek
from retention_service.breaker_api import breaker_routes
from retention_service.erasures_api import erasure_routes
from retention_service.keyring_api import keyring_routes
from retention_service.measures import RetentionMeasures


def routes(kek_dir: Path, measures: RetentionMeasures, officers: Collection[str]) -> Callable[[Service], APIRouter]:
    """Made once the service is open; without key-encryption keys it does not start to serve."""

    def routes(service: Service) -> APIRouter:
        router = APIRouter()
        router.include_router(keyring_routes(service, kek.load(kek_dir), measures))
        router.include_router(erasure_routes(service))
        router.include_router(breaker_routes(service, officers))
        return router

    return routes
