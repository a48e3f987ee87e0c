"""The three processes that an order goes through; each is a role of its own, and a node has one of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router

from ..redis_pool import pooled
from ..settings import Settings
from .gateway import Gateway
from .server import traced
from .service import Service
from .settings import TracingSettings
from .telemetry import Telemetry
from .worker import Worker

CONNECTIONS = 20
REDIS_TIMEOUT_S, REDIS_WAIT_S = 3.0, 5.0


class Capability:
    """The capability: its routes, its lifespan, whether its store answers, and what it counts."""

    def __init__(self, node: Settings, environ: Mapping[str, str]) -> None:
        settings = TracingSettings.load(environ)
        self._telemetry = Telemetry(node.node_name, settings)
        self._redis: Redis = pooled(settings.redis_url, CONNECTIONS, REDIS_TIMEOUT_S, REDIS_WAIT_S)
        parts: dict[str, Callable[[], Gateway | Service | Worker]] = {
            "gateway": lambda: Gateway(settings, self._telemetry),
            "service": lambda: Service(settings, self._telemetry, self._redis),
            "worker": lambda: Worker(settings, self._telemetry, self._redis),
        }
        self._part = parts[settings.tracing_role]()
        self._public = settings.tracing_role == "gateway"

    @property
    def routes(self) -> list[BaseRoute]:
        """What the role answers to, traced, and how many spans were lost."""
        app = traced(Router(self._part.routes), self._telemetry, self._public)
        return [Route("/telemetry", self._tell), Mount("/", app)]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Tracing ends last, when everything else has told of its end."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(asyncio.to_thread, self._telemetry.shut_down)
            stack.push_async_callback(self._redis.aclose)
            await stack.enter_async_context(self._part.lifespan())
            yield

    async def healthy(self) -> bool:
        """Whether Redis answers. A node whose collector is down is well."""
        try:
            return bool(await self._redis.ping())
        except RedisError:
            return False

    def counts(self) -> dict[str, int]:
        """Nothing besides what every node counts."""
        return {}

    async def _tell(self, _: Request) -> Response:
        return JSONResponse({"lost": self._telemetry.lost()})
