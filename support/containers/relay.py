"""The relay's own end: a process on the engine's machine, in a container, that does there what the suite asks for.

It has that machine's network, processes and control groups, reads what it is to do from its standard input, and ends
with it. Standard library only.
"""

import asyncio
import json
import sys
import time

from support.containers.cgroup import peak_memory_of
from support.containers.ports import draw
from support.containers.streams import Stream, Wire, carry
from support.errors import FleetError

# What it is asked for, with a number behind it, and the time of day, which is answered to anything else.
PORT, DRAW, PEAK, TIME = "port", "draw", "peak", "time"


async def serve(stream: Stream, request: str) -> None:
    """Connects `stream` to a port of 127.0.0.1, or answers on it."""
    what, _, number = request.partition(" ")
    if what == PORT:
        await _connect(stream, int(number))
    else:
        await stream.write(json.dumps(_answer(what, int(number or 0))).encode())
        stream.end()
        stream.close(broken=False)


async def _connect(stream: Stream, port: int) -> None:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        stream.close(broken=True)
        return
    await carry(stream, reader, writer)


def _answer(what: str, number: int) -> object:
    if what == PEAK:
        return peak_memory_of(number)
    if what == DRAW:
        try:
            return draw(number)
        except FleetError as error:
            return str(error)
    return time.time()


async def main() -> None:
    """Serves until standard input ends."""
    loop = asyncio.get_running_loop()
    source = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(source), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout)
    await Wire(source, asyncio.StreamWriter(transport, protocol, None, loop), serve).run()


if __name__ == "__main__":
    asyncio.run(main())
