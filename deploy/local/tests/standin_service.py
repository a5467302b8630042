"""A process with a service's outside: it migrates as the owner, reads as the lesser role, and says when it is ready.

What it meets is in `STANDIN_FAULT` as `NAME:FAULT`: that service then fails to migrate or crashes at its start.
"""

import asyncio
import os
import signal
import sys

from local_stack.probes import connect

READY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def migrate(role: str) -> None:
    connection = await connect(os.environ["TILLIT_MIGRATION_DATABASE_URL"])
    await connection.execute("CREATE TABLE IF NOT EXISTS marks (mark text)")
    await connection.execute(f"GRANT SELECT, INSERT ON marks TO {role}")
    await connection.close()


async def serve() -> None:
    if "TILLIT_MIGRATION_DATABASE_URL" in os.environ:
        sys.exit("the owner's password is for the role migrate only")
    connection = await connect(os.environ["TILLIT_DATABASE_URL"])
    await connection.execute("INSERT INTO marks (mark) VALUES ('was here')")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(READY)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, os.environ["TILLIT_HTTP_HOST"], int(os.environ["TILLIT_HTTP_PORT"]))
    print("ready", flush=True)
    await stop.wait()
    server.close()
    # proves the order of the end: the database is still there
    await connection.execute("INSERT INTO marks (mark) VALUES ('went in order')")
    await connection.close()
    print("went in order", flush=True)


def main() -> None:
    name, role = sys.argv[1:]
    fault = os.environ.get("STANDIN_FAULT", "")
    if fault in (f"{name}:{role}", f"{name}:any"):
        sys.exit(f"{name} was told to fail as {role}")
    asyncio.run(migrate(name.replace("-", "_")) if role == "migrate" else serve())


if __name__ == "__main__":
    main()
