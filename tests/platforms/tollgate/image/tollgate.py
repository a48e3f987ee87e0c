"""A toll gate in front of an API: every traveller has so many passages in any window of time, over all gates."""

import hashlib
import hmac
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import uvicorn
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_PAY = """
local now = redis.call('TIME')
now = now[1] * 1000 + now[2] / 1000
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now - ARGV[1])
local paid = redis.call('ZCARD', KEYS[1])
if paid + ARGV[3] > tonumber(ARGV[2]) then return -1 end
for passage = 1, ARGV[3] do redis.call('ZADD', KEYS[1], now, ARGV[4] .. passage) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return ARGV[2] - paid - ARGV[3]
"""
_FULL, _STRANGER, _NO_REQUEST, _OUT_OF_ORDER = 420, 403, 422, 502


class Gate:
    """One gate. The names of its settings begin with TOLL_."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._store = Redis.from_url(environ["TOLL_STORE"], max_connections=64, socket_timeout=1, protocol=2)
        self._behind = httpx2.AsyncClient(base_url=environ["TOLL_BEHIND"])
        self._window_ms = round(float(environ["TOLL_WINDOW"].removesuffix(" s")) * 1000)
        self._plans = dict(plan.split("=") for plan in environ["TOLL_PLANS"].split(","))
        self._key = environ["TOLL_KEY"].encode()
        self._pay = self._store.register_script(_PAY)
        routes = [Route("/alive", self._alive), Route("/v2/passages", self._passage, methods=["POST"])]
        self.app: Starlette = Starlette(routes=routes, lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with self._store, self._behind:
            yield

    async def _alive(self, request: Request) -> Response:
        try:
            await self._store.ping()
        except RedisError:
            return Response(status_code=_OUT_OF_ORDER)
        return Response("alive")

    async def _passage(self, request: Request) -> Response:
        traveller, _, signature = request.headers.get("x-pass", "").rpartition("/")
        good = hmac.new(self._key, traveller.encode(), hashlib.sha256).hexdigest()
        name, _, plan = traveller.rpartition("/")
        if not hmac.compare_digest(signature, good) or plan not in self._plans:
            return JSONResponse({"why": "who are you?"}, _STRANGER)
        asked = await request.json()
        passages = asked.get("passages", "")
        if not (passages.isascii() and passages.isdecimal() and 0 < int(passages) < 1000):
            return JSONResponse({"why": "how many?"}, _NO_REQUEST)
        try:
            left = int(
                await self._pay([f"toll/{name}"], [self._window_ms, self._plans[plan], passages, secrets.token_hex(6)])
            )
        except RedisError:
            return JSONResponse({"why": "out of order"}, _OUT_OF_ORDER)
        if left < 0:
            return JSONResponse({"why": "full", "again_in_ms": self._window_ms}, _FULL)
        await self._behind.get("/" + asked["to"])
        return JSONResponse({"left": left})


if __name__ == "__main__":
    uvicorn.run(Gate(dict(os.environ)).app, host="0.0.0.0", port=8000, log_level="warning", access_log=False)
