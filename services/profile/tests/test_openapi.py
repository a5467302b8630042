"""Whatever the OpenAPI document allows or forbids, the running service answers as the document says."""
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (schemathesis leaves the type parameters of its own generics open)

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import httpx
import schemathesis
from chassis.service import Service
from chassis.testing.services import running
from contracts.profile import ProfileKind
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .portal import Portal

Operation: TypeAlias = "APIOperation[Any, Any, Any, Any]"

EXAMPLES_EACH = 8
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
BY_OPERATOR = {("POST", "/employers"), ("POST", "/job-seekers"), ("POST", "/employer-users")}
BY_EMPLOYER = {("POST", "/positions"), ("POST", "/positions/{position_id}/close")}


async def test_every_operation_answers_strange_and_wrong_requests_as_documented(service: Service) -> None:
    async with running(service, "api"):
        url = f"http://127.0.0.1:{service.settings.http_port}"
        async with httpx.AsyncClient(base_url=url) as http:
            portal = Portal(service, http)
            seeker, employer = await portal.job_seeker(), await portal.employer()
            await portal.publish(employer)
        tokens = {
            "operator": portal.as_operator()["Authorization"],
            ProfileKind.EMPLOYER: employer.headers["Authorization"],
            ProfileKind.JOB_SEEKER: seeker.headers["Authorization"],
        }
        asked = await asyncio.to_thread(fuzz, f"{url}/openapi.json", tokens)
    assert asked >= 18


def fuzz(address: str, tokens: Mapping[str, str]) -> int:
    """Ask everything with a few good and a few bad requests each; the answer is how many operations there are."""
    operations = list(operations_of(address))
    for operation in operations:
        ask(operation, GenerationMode.POSITIVE, tokens)
        if operation.body or operation.query or operation.path_parameters:
            ask(operation, GenerationMode.NEGATIVE, tokens)
    return len(operations)


def operations_of(address: str) -> Iterator[Operation]:
    for found in schemathesis.openapi.from_url(address).get_all_operations():
        assert isinstance(found, Ok), "the OpenAPI document has an operation that can't be read"
        yield found.ok()


def ask(operation: Operation, mode: GenerationMode, tokens: Mapping[str, str]) -> None:
    target = (operation.method.upper(), operation.path)
    role = "operator" if target in BY_OPERATOR else "employer" if target in BY_EMPLOYER else "job_seeker"

    @settings(
        max_examples=EXAMPLES_EACH,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(operation.as_strategy(generation_mode=mode))
    def answers(case: "Case[Any]") -> None:
        response = case.call(headers={"Authorization": tokens[role]})
        case.validate_response(response, checks=CHECKS)

    answers()
