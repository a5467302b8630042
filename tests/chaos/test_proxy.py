"""The rig's wires do what their faults are named after; without a fault they carry everything."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from chassis.testing.containers import free_port

from tests.chaos.proxy import Flow, Wire

_A_MOMENT = 0.2


@asynccontextmanager
async def echoing() -> AsyncGenerator[tuple[Wire, int, list[bytes]]]:
    """A wire to a server that answers what it is told, and what it was told."""
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            heard.append(data)
            writer.write(data)
        writer.close()

    port = free_port()
    server = await asyncio.start_server(answer, "127.0.0.1", port)
    wire, own_port = Wire("a wire", port), free_port()
    await wire.open(own_port)
    try:
        yield wire, own_port, heard
    finally:
        await wire.close()
        server.close()


async def _answered(reader: asyncio.StreamReader, size: int) -> bytes:
    return await asyncio.wait_for(reader.readexactly(size), 5)


async def _silent(reader: asyncio.StreamReader) -> bool:
    try:
        await asyncio.wait_for(reader.read(1), _A_MOMENT)
    except TimeoutError:
        return True
    return False


async def test_an_open_wire_carries_more_than_its_buffers_hold_unchanged() -> None:
    async with echoing() as (_, port, _heard):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        sent = bytes(range(256)) * 40_000
        writer.write(sent)
        assert await _answered(reader, len(sent)) == sent
        writer.close()


async def test_a_cut_resets_what_is_there_and_whoever_comes_until_it_is_over() -> None:
    async with echoing() as (wire, port, _heard):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"before")
        await _answered(reader, 6)
        wire.set(Flow.CUT)
        with pytest.raises(ConnectionResetError):
            await _answered(reader, 1)
        again, its_writer = await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await _answered(again, 1)
        wire.set(Flow.OPEN)
        reader, new_writer = await asyncio.open_connection("127.0.0.1", port)
        new_writer.write(b"after")
        assert await _answered(reader, 5) == b"after"
        for one in (writer, its_writer, new_writer):
            one.close()


async def test_a_black_hole_accepts_and_stays_silent_and_gives_everything_back_when_it_is_over() -> None:
    async with echoing() as (wire, port, heard):
        old, old_writer = await asyncio.open_connection("127.0.0.1", port)
        old_writer.write(b"before")
        await _answered(old, 6)
        wire.set(Flow.BLACK_HOLE)
        new, new_writer = await asyncio.open_connection("127.0.0.1", port)
        old_writer.write(b"old")
        new_writer.write(b"new")
        assert await _silent(old)
        assert await _silent(new)
        assert heard == [b"before"]
        wire.set(Flow.OPEN)
        assert await _answered(old, 3) == b"old"
        assert await _answered(new, 3) == b"new"
        old_writer.close()
        new_writer.close()


async def test_one_way_the_server_hears_and_its_answer_does_not_come() -> None:
    async with echoing() as (wire, port, heard):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"before")
        await _answered(reader, 6)
        wire.set(Flow.ONE_WAY)
        writer.write(b"heard")
        assert await _silent(reader)
        assert heard == [b"before", b"heard"]
        wire.set(Flow.OPEN)
        assert await _answered(reader, 5) == b"heard"
        writer.close()


async def test_a_server_that_is_gone_resets_its_clients() -> None:
    wire, port = Wire("to nobody", free_port()), free_port()
    await wire.open(port)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await _answered(reader, 1)
    writer.close()
    await wire.close()
