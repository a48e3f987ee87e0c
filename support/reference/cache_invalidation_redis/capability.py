"""Prices and pages of many shops, cached on every node and in Redis, and never older than the last change.

PostgreSQL has the truth. Prices are cached on one Redis server, the pages that customers see on a Redis Cluster, and
both in the memory of each node. Whoever changes something commits it first, then removes it from Redis, then tells
all nodes over Pub/Sub. A node that does not hear what is published trusts no cache until it has caught up.

Who may change what is decided by the gateway in front of this.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.connection import parse_url
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..feed import Feed
from ..json_text import parse_json, to_json
from ..redis_pool import TIMEOUT_S, pooled
from ..settings import Settings
from .catalogue import Catalogue, RefusedError, connections
from .invalidations import Invalidations, Stale
from .read_through import ReadThrough
from .settings import CacheSettings
from .shared_cache import UNREACHABLE, SharedCache, key_of

TOPIC = "cache:stale"  # its messages are JSON: [key, is_prefix], see invalidations.Stale
REDIS_CONNECTIONS = 16
NOT_KEPT = {"Cache-Control": "no-store"}  # by browsers and proxies, which nobody could tell of a change


class Capability:
    """The capability: its routes, its lifespan, whether its stores answer, and what it counts."""

    def __init__(self, node: Settings, environ: Mapping[str, str]) -> None:
        settings = CacheSettings.load(environ)
        self._redis, self._cluster = pooled(settings.redis_url, REDIS_CONNECTIONS), _cluster(settings.redis_cluster_url)
        how = settings.cache_ttl_s, settings.cache_ttl_jitter
        self._prices, self._pages = SharedCache(self._redis, *how), SharedCache(self._cluster, *how)
        self._pool = connections(settings.postgres_url, settings.origin_connections, node.node_name)
        self._invalidations = Invalidations(self._pool, self._forget_everywhere, self._forget)
        self._catalogue = Catalogue(self._pool, self._invalidations)
        self._feed = Feed(settings.redis_url, {TOPIC: self._hear}, self._restored)
        self._cache = ReadThrough(settings.cache_local_entries, lambda: self._feed.live)

    @property
    def routes(self) -> list[BaseRoute]:
        """What the capability answers to."""
        product = "/shops/{shop}/products/{product}"
        return [
            Route(product, self._show_price, methods=["GET"]),
            Route(product, self._set_price, methods=["PUT"]),
            Route(product, self._remove, methods=["DELETE"]),
            Route("/shops/{shop}/prices", self._set_prices, methods=["PUT"]),
            Route("/shops/{shop}/discount", self._set_discount, methods=["PUT"]),
            Route("/shops/{shop}/pages/{customer}", self._show_page, methods=["GET"]),
        ]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Owns the connections, and the tasks that run as long as the node does."""
        async with self._redis, self._cluster, self._pool:
            await self._pool.wait()
            await self._catalogue.create_schema()
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(self._feed.run()), tasks.create_task(self._invalidations.run())]
                yield
                for task in running:
                    task.cancel()

    async def healthy(self) -> bool:
        """Whether every store answers, and the node hears what is published."""
        try:
            await asyncio.gather(self._redis.ping(), self._cluster.ping())
        except UNREACHABLE:
            return False
        return self._feed.live and await self._catalogue.answers()

    def counts(self) -> dict[str, int]:
        """How much the node keeps in its own memory."""
        return {"cached": len(self._cache)}

    # Reading

    async def _show_price(self, request: Request) -> Response:
        shop, product = request.path_params["shop"], request.path_params["product"]

        async def load() -> str:
            return to_json(await self._catalogue.price(shop, product))

        cents = parse_json(await self._cache.read(key_of("price", shop, product), self._prices, load))
        if cents is None:  # that there is none is known and cached like a price
            raise HTTPException(404, "no such product", headers=NOT_KEPT)
        return JSONResponse({"product": product, "price_cents": cents}, headers=NOT_KEPT)

    async def _show_page(self, request: Request) -> Response:
        shop, customer = request.path_params["shop"], request.path_params["customer"]

        async def load() -> str:
            return to_json({"customer": customer, "discount_percent": await self._catalogue.discount(shop)})

        page = await self._cache.read(key_of("page", shop, customer), self._pages, load)
        return Response(page, media_type="application/json", headers=NOT_KEPT)

    # Changing

    async def _set_price(self, request: Request) -> Response:
        product = request.path_params["product"]
        prices = {product: _whole((await _members(request)).get("price_cents"))}
        return await self._change_prices(request.path_params["shop"], prices)

    async def _set_prices(self, request: Request) -> Response:
        prices = (await _members(request)).get("prices")
        if not isinstance(prices, dict):
            raise HTTPException(400, 'expected an object "prices"')
        return await self._change_prices(
            request.path_params["shop"], {product: _whole(cents) for product, cents in prices.items()}
        )

    async def _change_prices(self, shop: str, prices: Mapping[str, int]) -> Response:
        stale = [Stale(key_of("price", shop, product)) for product in prices]
        return await _done(self._catalogue.set_prices(shop, prices, stale))

    async def _remove(self, request: Request) -> Response:
        shop, product = request.path_params["shop"], request.path_params["product"]
        return await _done(self._catalogue.remove(shop, product, [Stale(key_of("price", shop, product))]))

    async def _set_discount(self, request: Request) -> Response:
        shop = request.path_params["shop"]
        percent = _whole((await _members(request)).get("discount_percent"))
        stale = [Stale(key_of(kind, shop, ""), is_prefix=True) for kind in ("price", "page")]
        return await _done(self._catalogue.set_discount(shop, percent, stale))

    # Forgetting

    async def _forget_everywhere(self, stale: Stale) -> None:
        """From the shared cache first: a node that forgets its own copy must not find the old one there again."""
        shared = self._pages if stale.key.startswith("page:") else self._prices
        await (shared.clear(stale.key) if stale.is_prefix else shared.forget(stale.key))
        await self._redis.publish(TOPIC, to_json(stale))

    def _hear(self, message: str) -> None:
        self._forget(Stale(*parse_json(message)))

    def _forget(self, stale: Stale) -> None:
        if stale.is_prefix:
            self._cache.forget_under(stale.key)
        else:
            self._cache.forget(stale.key)

    async def _restored(self) -> None:
        """The node hears again. What it missed is unknown, and what changed meanwhile may still be in Redis."""
        self._cache.forget_everything()
        await self._invalidations.catch_up()


def _cluster(urls: tuple[str, ...]) -> RedisCluster:
    members = [parse_url(url) for url in urls]
    return RedisCluster(
        startup_nodes=[ClusterNode(member["host"], member.get("port", 6379)) for member in members],
        password=members[0].get("password"), protocol=2, decode_responses=True,
        socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S,
    )  # fmt: skip


async def _members(request: Request) -> dict[str, Any]:
    try:
        body = parse_json((await request.body()).decode())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise HTTPException(400, "expected a JSON object")
    return body


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise HTTPException(400, "expected a whole number")
    return value


async def _done(change: Awaitable[None]) -> Response:
    """204 for a change that was made, 422 (RFC 9110, section 15.5.21) for one that is not allowed."""
    try:
        await change
    except RefusedError as error:
        raise HTTPException(422, str(error)) from error
    return Response(status_code=204)
