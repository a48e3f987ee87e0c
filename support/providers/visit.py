"""One request on its way through a provider: it is met by faults, waits, is answered, or is cut."""

import asyncio
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from .faults import Do, Fault, Faults, Part, Point
from .meter import CALLER, PROVIDER, Arrival

VISIT = "providers.visit"
TRANSPORT = "providers.transport"
_BIT_EVERY_S = 0.1  # of a body that drips
Refusal = Callable[[int, Mapping[str, str]], Response]
# What `close` waits for is nothing, and what was not sent is discarded: the peer gets a reset (socket(7), SO_LINGER).
_RESETTING = struct.pack("ii", 1, 0)


class Visit:
    """The way of one request. What it sends goes through `send`, which faults may hold, replace or break off."""

    def __init__(self, arrival: Arrival, faults: Faults, refusal: Refusal, scope: Scope, receive: Receive, send: Send):
        self.arrival = arrival
        self._faults, self._refusal = faults, refusal
        self._scope, self._receive, self._send = scope, receive, send
        self._transport: asyncio.Transport = scope["extensions"][TRANSPORT]
        self._body: bytes | None = arrival.body
        self._begun = False
        self._stops: tuple[Fault, Part] | None = None
        self._drips_for_s = 0.0
        self._pieces = 0  # of the body that have gone out

    async def receive(self) -> Message:
        """The request's body, and after that what the connection says."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def let_in(self, send: Send) -> bool:
        """Meets the faults that come before the deed; False when there is none to be done, and `send` may have told."""
        fault = self._faults.meet(Point.BEFORE, self.arrival)
        if fault and not await self._met_before(fault, send):
            return False
        self.arrival.executed = True
        return True

    async def send(self, message: Message) -> None:
        """Sends a part of the answer, unless the request has ended."""
        if message["type"] == "http.response.start" and not self._begun:
            self._begun = True
            fault = self._faults.meet(Point.AFTER, self.arrival)
            if fault:
                await self._meet_after(fault)
        if self.arrival.ended is None:
            await self._pass_on(message)

    async def _met_before(self, fault: Fault, send: Send) -> bool:
        match fault.do:
            case Do.SLOW:
                return await self._stays(asyncio.sleep(fault.ms / 1000, True))
            case Do.HOLD_BEFORE | Do.HANG:
                return await self._stays(fault.detain(self.arrival))
            case Do.STATUS:
                await self._refuse(fault, send)
            case _:
                await self._cut()
        return False

    async def _meet_after(self, fault: Fault) -> None:
        match fault.do:
            case Do.HOLD_AFTER:
                await self._stays(fault.detain(self.arrival))
            case Do.STATUS:
                await self._refuse(fault, self.send)
            case Do.DROP_AFTER:
                await self._cut()
            case Do.DRIP:
                self._drips_for_s = fault.ms / 1000
            case _:
                self._stops = (fault, fault.part)

    async def _pass_on(self, message: Message) -> None:
        if self._transport.is_closing():
            self._end(cut=CALLER)
            return
        part = Part.HEAD if message["type"] == "http.response.start" else Part.BODY
        if self._stops and self._stops[1] is part and (part is Part.HEAD or self._pieces >= self._stops[0].pieces):
            await self._break_off(self._stops[0], message)
            return
        self._pieces += part is Part.BODY
        if part is Part.HEAD:
            self.arrival.status = message["status"]
        if part is Part.BODY and self._drips_for_s:
            await self._drip(message)
        else:
            await self._send(message)
        if part is Part.BODY and not message.get("more_body") and self.arrival.ended is None:
            self._end()

    async def _drip(self, message: Message) -> None:
        """Sends a body bit by bit, as long as its caller waits for it."""
        began, body, bits = time.monotonic(), message["body"], max(1, round(self._drips_for_s / _BIT_EVERY_S))
        for number in range(bits):
            due_s = began + (number + 1) * self._drips_for_s / bits - time.monotonic()
            if not await self._stays(asyncio.sleep(due_s, True)):
                return
            bit = body[len(body) * number // bits : len(body) * (number + 1) // bits]
            more = number < bits - 1 or message.get("more_body", False)
            await self._send({**message, "body": bit, "more_body": more})

    async def _break_off(self, fault: Fault, message: Message) -> None:
        """Sends the head, or half of the body, and then nothing more."""
        if "body" in message:
            message = {**message, "body": message["body"][: len(message["body"]) // 2], "more_body": True}
        await self._send(message)
        while self._transport.get_write_buffer_size():
            await asyncio.sleep(0.001)  # a reset would discard what has not gone out yet
        if fault.do is Do.HANG:
            await self._stays(fault.detain(self.arrival))
        else:
            await self._cut()

    async def _refuse(self, fault: Fault, send: Send) -> None:
        await self._refusal(fault.status, fault.headers)(self._scope, self.receive, send)

    async def _stays(self, moment: Awaitable[bool]) -> bool:
        """Waits for `moment`, and whether the request may go on then. The caller that hangs up before it ends it."""
        waiting = asyncio.ensure_future(moment)
        gone = asyncio.ensure_future(self._hung_up())
        await asyncio.wait((waiting, gone), return_when=asyncio.FIRST_COMPLETED)
        for task in (waiting, gone):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if waiting.cancelled():
            self._end(cut=CALLER)
            return False
        if not waiting.result():
            await self._cut()
        return waiting.result()

    async def _hung_up(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _cut(self) -> None:
        """Resets the connection, and waits until the server has noticed, which otherwise says that it got no answer."""
        self._end(cut=PROVIDER)
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESETTING)
        self._transport.abort()
        await self._hung_up()

    def _end(self, cut: str | None = None) -> None:
        self.arrival.ended, self.arrival.cut = time.time(), cut
        if cut:
            self.arrival.status = None
