"""Who follows the guide, and what they can see of the system from outside."""

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from chassis.clock import monotonic
from chassis.holder_replies import is_signed_by
from chassis.sql import connect
from contracts.privacy import HolderRegistered, PersonalDataErased, SubjectErased
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from local_stack.stack import Stack, StackInfo
from tillit_cli.operator_calls import Erasure, operating
from tillit_cli.portal import portal_at
from tillit_cli.proof.kafka_records import every_record

from tests.guide.guide import commands, told
from tests.guide.shell import Shell
from tests.promises.system import System

NAME: Final = "partner-board"
SECONDS: Final = 60.0


class Reader:
    """A folder, a terminal and the guide."""

    def __init__(self, folder: Path, shell: Shell) -> None:
        self.folder = folder
        self.shell = shell
        self._stack = Stack(folder / "tillit/.tillit")

    @property
    def info(self) -> StackInfo:
        return self._stack.info()

    def follow(self, section: str) -> str:
        """Type what the section says; the answer is what was printed."""
        typed = commands(told(), section) if section else [commands(told(), "")[0]]
        assert typed, f"the guide has no commands in section {section}"
        return "".join(self.shell.run(block) for block in typed)

    def start_service(self) -> None:
        """The second block of step 5: start it, and wait until it is ready."""
        self.shell.run(commands(told(), "5.")[1])

    def stop_service(self) -> None:
        self.shell.run("kill %1 && wait")

    def wipe(self) -> None:
        """End the stack and delete what it wrote, however far the reader came."""
        self._stack.down(wipe=True)

    @asynccontextmanager
    async def system(self) -> AsyncGenerator[System]:
        async with operating(self.info) as operator, portal_at(self.info.services["profile"]) as portal:
            yield System(self.info, operator, portal)

    async def wishes_of(self, subject: UUID) -> int:
        """How many rows the service's own table has of a person."""
        parts = urlsplit(self.info.admin_database)
        connection = await connect(parts._replace(path="/partner_board").geturl())
        try:
            return int(await connection.fetchval("SELECT count(*) FROM wishes WHERE subject_id = $1", subject))
        finally:
            await connection.close()

    async def wishes_become(self, subject: UUID, wanted: int) -> None:
        deadline = monotonic() + SECONDS
        while (found := await self.wishes_of(subject)) != wanted:
            assert monotonic() < deadline, f"{found} wishes, not {wanted}, after {SECONDS} s"
            await asyncio.sleep(0.1)

    async def answer(self, erasure: Erasure) -> PersonalDataErased:
        """The service's answer as it stands on the topic; the signature is looked at by `is_trusted`."""
        found = [
            PersonalDataErased.model_validate_json(record.value or b"")
            async for record in every_record(self.info.kafka_bootstrap, {PersonalDataErased.topic.name})
        ]
        [answer] = [one for one in found if one.holder == NAME and one.erasure_id == erasure.erasure_id]
        return answer

    async def registration(self) -> HolderRegistered:
        """What the service said that it holds, and which groups the fence must wait for."""
        found = [
            HolderRegistered.model_validate_json(record.value or b"")
            async for record in every_record(self.info.kafka_bootstrap, {HolderRegistered.topic.name})
        ]
        return [one for one in found if one.holder == NAME][-1]

    def is_trusted(self, answer: PersonalDataErased) -> bool:
        """Whether the key that the system trusts for this name made the answer."""
        trusted = json.loads(self.info.services_jwks_file.read_text())["keys"]
        [point] = [key["x"] for key in trusted if key["kid"] == NAME]
        return is_signed_by(answer, Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(point + "=")))

    async def was_told_erased(self, subject: UUID) -> bool:
        wanted = (SubjectErased.type.encode(), str(subject).encode())
        async for record in every_record(self.info.kafka_bootstrap, {SubjectErased.topic.name}):
            if (record.header("ce_type"), record.header("ce_subject")) == wanted:
                return True
        return False
