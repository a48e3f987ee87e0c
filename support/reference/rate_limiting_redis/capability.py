"""The gateway: whoever has calls left is let through to the upstream, and is told how many are left.

Headers are those of draft-ietf-httpapi-ratelimit-headers-11: `RateLimit-Policy` says the limit, `RateLimit` what is
left of it. A call over the limit is answered by 429 (RFC 6585, section 4) with Retry-After.
"""

import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2
import jwt
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..redis_pool import pooled
from ..sessions import bearer, unauthenticated
from ..settings import Settings
from ..unavailable import UnavailableError
from .addresses import caller_of
from .limiter import Decision, Limiter
from .local import Local
from .settings import RateLimitSettings
from .shared import AwayError, Shared

REDIS_TIMEOUT_S = 1.0  # a machine that stands still for less is no outage
REDIS_CONNECTIONS = 32
SPARE_CONNECTIONS = 2  # by which it is seen whether Redis answers, while calls have all the others
UPSTREAM_TIMEOUT_S = 10.0
ITEMS_DIGITS = 6


class Capability:
    """The capability: its routes, its lifespan, whether its store answers, and what it counts."""

    def __init__(self, node: Settings, environ: Mapping[str, str]) -> None:
        self._settings = RateLimitSettings.load(environ)
        self._secret = node.jwt_secret
        self._redis = pooled(self._settings.redis_url, REDIS_CONNECTIONS + SPARE_CONNECTIONS, timeout_s=REDIS_TIMEOUT_S)
        limiter = Limiter(self._redis, self._settings.rate_window_s)
        self._shared = Shared(self._redis, limiter, at_once=REDIS_CONNECTIONS)
        self._local = Local(self._settings.rate_window_s)
        self._upstream = httpx2.AsyncClient(base_url=self._settings.upstream_url, timeout=UPSTREAM_TIMEOUT_S)

    @property
    def routes(self) -> list[BaseRoute]:
        """What the capability answers to."""
        return [Route("/api/{resource}/{path:path}", self._pass_on, methods=["GET"])]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Owns the connections to Redis and to the upstream."""
        async with self._redis, self._upstream, self._shared:
            yield

    async def healthy(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(await self._redis.ping())
        except RedisError:
            return False

    def counts(self) -> dict[str, int]:
        """Nothing is kept."""
        return {}

    async def _pass_on(self, request: Request) -> Response:
        resource, path = request.path_params["resource"], request.path_params["path"]
        customer, plan = self._caller(request)
        limit, cost = self._settings.rate_plans[plan], _cost(request)
        if cost > limit:
            raise HTTPException(422, "more items than the plan allows at all")
        is_open = resource in self._settings.rate_open_resources
        decision = await self._decide(customer, limit, cost, is_open)
        if not decision.admitted:
            raise HTTPException(429, "quota exceeded", headers=self._told(decision))
        answer = await self._upstream.get(f"/{resource}/{path}")
        return Response(answer.content, answer.status_code, headers=self._told(decision))

    async def _decide(self, customer: str, limit: int, cost: int, is_open: bool) -> Decision:
        """Counted over all nodes; while that cannot be, by this node alone or not at all: UnavailableError."""
        try:
            return await self._shared.take(customer, limit, cost)
        except AwayError as error:
            if is_open:
                return self._local.take(customer, limit, cost)
            raise UnavailableError("calls cannot be counted") from error

    def _caller(self, request: Request) -> tuple[str, str]:
        """Who calls and by which plan, as the signed token says and nothing else does. Raises HTTPException 401.

        Whoever has none is known by address, where there is a plan for such callers.
        """
        if "authorization" not in request.headers and (plan := self._settings.rate_anonymous_plan):
            return f"address/{caller_of(request, self._settings.rate_proxies)}", plan
        try:
            claims = jwt.decode(bearer(request.headers) or "", self._secret, ["HS256"], {"require": ["sub", "exp"]})
        except jwt.InvalidTokenError as error:
            raise unauthenticated() from error
        if not claims["sub"] or claims.get("plan") not in self._settings.rate_plans:
            raise unauthenticated()
        return f"customer/{claims['sub']}", claims["plan"]

    def _told(self, decision: Decision) -> dict[str, str]:
        window_s = math.ceil(self._settings.rate_window_s)
        told = {
            "RateLimit-Policy": f'"plan";q={decision.limit};w={window_s}',
            "RateLimit": f'"plan";r={decision.remaining};t={math.ceil(decision.wait_s)}',
        }
        return told if decision.admitted else told | {"Retry-After": str(math.ceil(decision.wait_s))}


def _cost(request: Request) -> int:
    """What the call costs: as many as the items that it asks for, 1 if it does not say. Raises HTTPException 400."""
    said = request.query_params.get("items", "1")
    if not (said.isascii() and said.isdecimal() and len(said) <= ITEMS_DIGITS and int(said) > 0):
        raise HTTPException(400, "items: expected a whole number from 1 on")
    return int(said)
