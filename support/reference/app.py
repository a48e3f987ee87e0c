"""The application of a node: the capabilities that it was told to have, and how it is doing."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Protocol, cast

from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .settings import Settings, SettingsError
from .unavailable import UnavailableError, answer_unavailable


class Capability(Protocol):
    """What the package of a capability gives to a node, as its class of this name."""

    @property
    def routes(self) -> list[BaseRoute]:
        """What it answers to."""

    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """What has to run as long as the node does."""

    async def healthy(self) -> bool:
        """Whether the stores that it needs answer."""

    def counts(self) -> dict[str, int]:
        """How much it serves at the moment."""


def create_app(settings: Settings, environ: Mapping[str, str]) -> Starlette:
    """Builds the node's application; raises SettingsError for a capability that there is none of, or set wrongly."""
    capabilities = [_load(name, settings, environ) for name in settings.capabilities]
    node = Node(settings.node_name, capabilities)
    routes: list[BaseRoute] = [Route("/health", node.health), Route("/status", node.status)]
    routes += [route for capability in capabilities for route in capability.routes]
    handlers = {error: answer_unavailable for error in (RedisError, UnavailableError)}
    return Starlette(routes=routes, lifespan=node.lifespan, exception_handlers=handlers)


class Node:
    """The parts of a node that no capability owns."""

    def __init__(self, name: str, capabilities: list[Capability]) -> None:
        self._name, self._capabilities = name, capabilities

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Runs every capability, and ends them in the opposite order."""
        async with AsyncExitStack() as stack:
            for capability in self._capabilities:
                await stack.enter_async_context(capability.lifespan())
            yield

    async def health(self, _: Request) -> Response:
        """200 when the node can do its work, else 503."""
        well = all(await asyncio.gather(*[capability.healthy() for capability in self._capabilities]))
        status = "ok" if well else "unavailable"
        return JSONResponse({"node": self._name, "status": status}, status_code=200 if well else 503)

    async def status(self, _: Request) -> Response:
        """Counts of what the node serves, and of its asyncio tasks."""
        counts = {"node": self._name, "connections": 0, "channels": 0, "tasks": len(asyncio.all_tasks())}
        for capability in self._capabilities:
            counts |= capability.counts()
        return JSONResponse(counts)


def _load(name: str, settings: Settings, environ: Mapping[str, str]) -> Capability:
    there_are = sorted(module.name for module in iter_modules([str(Path(__file__).parent)]) if module.ispkg)
    if name not in there_are:
        raise SettingsError(f"CAPABILITIES: expected some of {', '.join(there_are)}, got {name!r}")
    # Imported only when wanted: a node starts no slower for what it does not do.
    build = import_module(f".{name}", __package__).Capability
    return cast(Capability, build(settings, environ))
