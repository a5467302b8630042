"""Why something of a person is still here, over HTTP: to the person about themselves, and to the operator (L2, A1)."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from contracts.personal import SubjectId
from fastapi import APIRouter, Depends

from chassis.explain import Explanation, explain
from chassis.problems import responses
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import OPERATOR, Caller, Role, require


def explain_routes(service: Service, people: Sequence[Role]) -> APIRouter:
    """`GET /me/explain` for people, `GET /admin/explain/{subject_id}` for the operator: this service's part.

    `people` are the roles of those who log in.
    """
    router = APIRouter(tags=["explain"])
    days = service.settings.tombstone_days

    async def explained(subject: SubjectId) -> Explanation:
        async with borrow(service.database.pool) as connection:
            return await explain(connection, service.holder, subject, tombstone_days=days)

    @router.get("/me/explain", responses=responses(401, 403))
    async def explain_me(caller: Annotated[Caller, Depends(require(*people))]) -> Explanation:
        """What this service keeps of you: for which purpose, on which legal basis, by which rule, until when."""
        return await explained(SubjectId(UUID(caller.subject)))

    @router.get(
        "/admin/explain/{subject_id}", dependencies=[Depends(require(OPERATOR))], responses=responses(401, 403, 422)
    )
    async def explain_somebody(subject_id: UUID) -> Explanation:
        """The same, of anybody; of somebody who was never here, nothing."""
        return await explained(SubjectId(subject_id))

    return router
