"""Many connections over one: what the suite and its relay speak, each at one end of a stream of bytes.

A frame is a head (the connection's number, the kind, the length of the body) and a body. Standard library only,
because the relay's end runs in a container.
"""

import asyncio
import itertools
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

_HEAD = struct.Struct(">IBI")
_OPEN, _DATA, _END, _BROKEN, _MORE = range(5)
_WINDOW = 256 * 1024  # bytes on their way that nobody has read: a slow reader slows its own writer, and no other
_PIECE = 16 * 1024
_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER in socket(7): closed with a reset, as what broke is


class Source(Protocol):
    """Where frames come from."""

    async def readexactly(self, n: int, /) -> bytes:
        """`n` bytes. Raises IncompleteReadError at the end, and OSError."""


class Stream:
    """One of the connections."""

    def __init__(self, wire: "Wire", number: int) -> None:
        self._wire, self._number = wire, number
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self._room, self._more = _WINDOW, asyncio.Event()
        self._broken = False
        self.on_break: Callable[[], object] = lambda: None

    async def read(self) -> bytes:
        """What came next; nothing at the end. Raises ConnectionResetError once it is broken."""
        piece = await self._arrived.get()
        self._expect_whole()
        self._wire.send(self._number, _MORE, len(piece).to_bytes(4, "big"))
        return piece

    async def write(self, data: bytes) -> None:
        """Sends `data` as soon as the other end has room for it. Raises ConnectionResetError once it is broken."""
        while data:
            while self._room == 0 and not self._broken:
                self._more.clear()
                await self._more.wait()
            self._expect_whole()
            part, data = data[: self._room], data[self._room :]
            self._room -= len(part)
            self._wire.send(self._number, _DATA, part)
            await self._wire.drain()

    def end(self) -> None:
        """Says that nothing more is written."""
        self._wire.send(self._number, _END)

    def close(self, broken: bool) -> None:
        """Forgets it; the other end is told when it is `broken`."""
        if self._wire.forget(self._number) and broken:
            self._wire.send(self._number, _BROKEN)

    def take(self, kind: int, body: bytes) -> None:
        """Takes a frame that is for it."""
        if kind == _MORE:
            self._room += int.from_bytes(body, "big")
            self._more.set()
        elif kind == _BROKEN:
            self._broken = True
            self._more.set()
            self._arrived.put_nowait(b"")
            self.on_break()
        else:
            self._arrived.put_nowait(body)  # an empty one is the end

    def _expect_whole(self) -> None:
        if self._broken:
            raise ConnectionResetError("the other end broke it")


class Wire:
    """What connects the two ends. `serve` is called with each connection that the other end opens, and its request."""

    def __init__(
        self, source: Source, sink: asyncio.StreamWriter, serve: Callable[[Stream, str], Awaitable[None]]
    ) -> None:
        self._source, self._sink, self._serve = source, sink, serve
        self._streams: dict[int, Stream] = {}
        self._numbers = itertools.count(1)
        self._over = False
        self._serving: set[asyncio.Future[None]] = set()  # a task that nobody holds may be collected

    async def run(self) -> None:
        """Hands out what comes, until nothing does; then every connection is broken."""
        try:
            while True:
                number, kind, length = _HEAD.unpack(await self._source.readexactly(_HEAD.size))
                body = await self._source.readexactly(length)
                if kind == _OPEN:
                    self._opened(number, body.decode())
                elif stream := self._streams.get(number):
                    stream.take(kind, body)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._over = True
            for stream in list(self._streams.values()):
                stream.take(_BROKEN, b"")

    def open(self, request: str) -> Stream:
        """A new connection, with what the other end is asked to do with it."""
        number = next(self._numbers)
        stream = self._streams[number] = Stream(self, number)
        if self._over:
            stream.take(_BROKEN, b"")
        else:
            self.send(number, _OPEN, request.encode())
        return stream

    async def ask(self, request: str) -> str:
        """The whole answer to `request`. Raises ConnectionResetError when there is none."""
        stream, answer = self.open(request), b""
        try:
            while piece := await stream.read():
                answer += piece
        finally:
            stream.close(broken=False)
        return answer.decode()

    def send(self, number: int, kind: int, body: bytes = b"") -> None:
        """Sends a frame."""
        self._sink.write(_HEAD.pack(number, kind, len(body)) + body)

    async def drain(self) -> None:
        """Returns when there is room for more."""
        await self._sink.drain()

    def forget(self, number: int) -> bool:
        """Forgets a connection; whether it was known."""
        return self._streams.pop(number, None) is not None

    def _opened(self, number: int, request: str) -> None:
        stream = self._streams[number] = Stream(self, number)
        task = asyncio.ensure_future(self._serve(stream, request))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)


async def carry(stream: Stream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carries over `stream` what a connection of this machine sends, and back, until both ways have ended.

    When one side breaks, so does the other: at once, and by a reset.
    """
    me, whole = asyncio.current_task(), False
    stream.on_break = me.cancel if me else stream.on_break
    try:
        whole = await _both_ways(stream, reader, writer)
    except asyncio.CancelledError:
        pass  # the stream broke, or all of them end
    finally:
        stream.close(broken=not whole)
        if not whole:
            with suppress(OSError):  # it may be closed by now
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            writer.transport.abort()
        writer.close()


async def _both_ways(stream: Stream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Whether both came to their end."""
    whole = True
    try:
        async with asyncio.TaskGroup() as ways:
            ways.create_task(_there(stream, reader))
            ways.create_task(_back(stream, writer))
    except* OSError:
        whole = False
    return whole


async def _there(stream: Stream, reader: asyncio.StreamReader) -> None:
    while piece := await reader.read(_PIECE):
        await stream.write(piece)
    stream.end()


async def _back(stream: Stream, writer: asyncio.StreamWriter) -> None:
    while piece := await stream.read():
        writer.write(piece)
        await writer.drain()
    writer.write_eof()
