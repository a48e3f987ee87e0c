"""The queue: messages are taken in, worked on, and, where that is in vain, kept to be looked at and tried again."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict

from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..redis_pool import pooled
from ..settings import Settings
from .handlers import Handlers
from .queue import DeadLetter, Queue
from .settings import QueueSettings
from .worker import Workers

PUBLISHERS = 20  # connections to Redis beside those of the workers
NAME_BYTES = 200


class Capability:
    """The capability: its routes, its lifespan, whether its store answers, and what it counts."""

    def __init__(self, node: Settings, environ: Mapping[str, str]) -> None:
        self._settings = QueueSettings.load(environ)
        self._redis = pooled(self._settings.redis_url, PUBLISHERS + 2 * self._settings.queue_consumers)
        self._queue = Queue(self._redis, self._settings)
        self._handlers = Handlers(self._settings.upstream_url)
        self._workers = Workers(self._queue, self._handlers.handle, node.node_name, self._settings)

    @property
    def routes(self) -> list[BaseRoute]:
        """What the capability answers to."""
        return [
            Route("/queue/messages", self._publish, methods=["POST"]),
            Route("/queue/unfinished", self._unfinished),
            Route("/queue/dead-letters", self._dead_letters),
            Route("/queue/dead-letters/{entry}/redrive", self._redrive, methods=["POST"]),
        ]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Owns the workers and the connections."""
        working = asyncio.create_task(self._workers.run()) if self._settings.queue_consumers else None
        yield
        if working:
            self._workers.end()
            await working
        await self._handlers.close()
        await self._redis.aclose()

    async def healthy(self) -> bool:
        """Whether Redis answers."""
        try:
            await self._redis.ping()
        except RedisError:
            return False
        return True

    def counts(self) -> dict[str, int]:
        """How many messages it works on at once."""
        return {"consumers": self._settings.queue_consumers}

    async def _publish(self, request: Request) -> Response:
        """A message, as the body; its key in the query, its id in Idempotency-Key. 202 when it is kept."""
        key, message_id = request.query_params.get("key", ""), request.headers.get("Idempotency-Key", "")
        for name in (key, message_id):
            if not 0 < len(name.encode()) <= NAME_BYTES:
                raise HTTPException(400, f"expected a key and an id of 1 to {NAME_BYTES} bytes")
        payload = await self._body(request)
        new = await self._queue.publish(key, message_id, payload)
        return JSONResponse({"id": message_id, "new": new}, 202)

    async def _unfinished(self, _: Request) -> Response:
        return JSONResponse({"unfinished": await self._queue.unfinished()})

    async def _dead_letters(self, _: Request) -> Response:
        return JSONResponse({"dead_letters": [_row(letter) for letter in await self._queue.dead_letters()]})

    async def _redrive(self, request: Request) -> Response:
        if not await self._queue.redrive(request.path_params["entry"]):
            raise HTTPException(404, "no such dead letter")
        return JSONResponse({}, 202)

    async def _body(self, request: Request) -> bytes:
        """The body. Raises HTTPException 413 as soon as it is too large."""
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > self._settings.queue_message_bytes:
                raise HTTPException(413, f"expected at most {self._settings.queue_message_bytes} bytes")
        return bytes(body)


def _row(letter: DeadLetter) -> dict[str, object]:
    """As JSON; the payload in base64, for it may be anything."""
    return asdict(letter) | {"payload": base64.b64encode(letter.payload).decode()}
