"""The HTTP edge of profile, resource by resource."""

from chassis.service import Service
from fastapi import APIRouter

from profile_service.api_deletion import deletion_routes
from profile_service.api_job_interests import job_interest_routes
from profile_service.api_me import me_routes
from profile_service.api_positions import position_routes
from profile_service.api_registration import registration_routes
from profile_service.api_sessions import session_routes
from profile_service.passwords import Passwords
from profile_service.settings import ProfileSettings


def routes(service: Service, settings: ProfileSettings) -> APIRouter:
    passwords = Passwords()
    router = APIRouter()
    router.include_router(registration_routes(service, passwords))
    router.include_router(session_routes(service, passwords, settings.login_key()))
    router.include_router(me_routes(service, passwords))
    router.include_router(job_interest_routes(service))
    router.include_router(position_routes(service))
    router.include_router(deletion_routes(service, passwords, settings.cooling_off))
    return router
