"""Live connections: each is closed soon after its session has ended, on whichever node that happened.

They ask Redis themselves, every now and then. So nothing is missed that was said while nobody listened.
"""

import asyncio
from collections.abc import Awaitable, Callable

from redis.exceptions import RedisError
from starlette.websockets import WebSocket

LOOKS_EVERY_S = 0.25
POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1


async def hold(websocket: WebSocket, is_live: Callable[[], Awaitable[bool]]) -> None:
    """Keeps the connection until its peer closes it, or until its session is no longer live: then it is closed."""
    over, gone = (asyncio.create_task(work) for work in (_until_over(is_live), _until_gone(websocket)))
    try:
        await asyncio.wait([over, gone], return_when=asyncio.FIRST_COMPLETED)
        if not gone.done():
            await websocket.close(POLICY_VIOLATION, "session ended")
    finally:
        over.cancel()
        gone.cancel()


async def _until_over(is_live: Callable[[], Awaitable[bool]]) -> None:
    live = True
    while live:
        await asyncio.sleep(LOOKS_EVERY_S)
        try:
            live = await is_live()
        except RedisError:
            continue  # who cannot be asked about is not sent away


async def _until_gone(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
