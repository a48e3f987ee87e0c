"""Many connections over one, and what each of them shows of the other side: its end, its break, its slowness."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from support.containers import relay
from support.containers.streams import Stream, Wire

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
MUCH = bytes(range(256)) * 4096  # more than may be under way at once


async def nothing(stream: Stream, request: str) -> None:
    """Nobody asks this end for anything."""


@asynccontextmanager
async def joined() -> AsyncIterator[Wire]:
    """The suite's end of a wire, at whose other end a relay serves."""
    ends = [await asyncio.open_connection(sock=one) for one in socket.socketpair()]
    here, there = (Wire(*end, serve) for end, serve in zip(ends, (nothing, relay.serve), strict=True))
    tasks = [asyncio.create_task(one.run()) for one in (here, there)]
    yield here
    for _, writer in ends:
        writer.close()
    await asyncio.gather(*tasks)


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[int]:
    """The port of one that serves each connection so."""
    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield listening.sockets[0].getsockname()[1]
    listening.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers when all has been said."""
    writer.write(await reader.read())
    writer.close()


async def told(stream: Stream) -> bytes:
    """All that comes until the end."""
    said = b""
    while piece := await stream.read():
        said += piece
    return said


def test_what_is_sent_arrives_whole_and_whoever_has_said_all_is_still_answered() -> None:
    async def work() -> None:
        async with joined() as wire, server(echo) as port:
            streams = [wire.open(f"port {port}") for _ in range(20)]
            said = [MUCH[number:] for number in range(20)]
            saying = [_say(stream, words) for stream, words in zip(streams, said, strict=True)]
            heard = await asyncio.gather(*map(told, streams), *saying)
            assert heard[: len(streams)] == said

    asyncio.run(asyncio.wait_for(work(), 20))


async def _say(stream: Stream, words: bytes) -> None:
    await stream.write(words)
    stream.end()


def test_a_reader_that_does_not_read_stops_its_own_writer_and_no_other() -> None:
    async def work() -> None:
        async with joined() as wire, server(deaf) as silent, server(echo) as port:
            slow, quick = wire.open(f"port {silent}"), wire.open(f"port {port}")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(slow.write(MUCH * 20), 0.5)
            await _say(quick, b"well")
            assert await told(quick) == b"well"
            slow.close(broken=True)

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2)
        writer.close()

    asyncio.run(asyncio.wait_for(work(), 20))


def test_a_connection_that_is_refused_or_broken_off_is_broken_and_not_ended() -> None:
    async def work() -> None:
        async with joined() as wire, server(breaks) as port:
            for request in (f"port {port}", "port 1"):
                stream = wire.open(request)
                with pytest.raises(ConnectionResetError):
                    await asyncio.wait_for(stream.read(), 5)

    async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()

    asyncio.run(asyncio.wait_for(work(), 20))


def test_when_the_wire_is_gone_everything_on_it_is_broken() -> None:
    async def work() -> None:
        async with joined() as wire, server(echo) as port:
            stream = wire.open(f"port {port}")
            wire._sink.close()
            with pytest.raises(ConnectionResetError):
                await stream.read()

    asyncio.run(asyncio.wait_for(work(), 20))


def test_the_relay_answers_what_only_its_machine_knows() -> None:
    async def work() -> None:
        async with joined() as wire:
            assert float(await wire.ask(relay.TIME)) > 0
            assert len(set((await wire.ask(f"{relay.DRAW} 3")).strip("[]").split(", "))) == 3
            assert await wire.ask(f"{relay.PEAK} 0") == "null"

    asyncio.run(asyncio.wait_for(work(), 20))
