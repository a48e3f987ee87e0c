"""Signing in and staying so: accounts, sessions, and who is let in by them.

What a token is refused for is told to nobody: every refusal is the same 401. A node that cannot ask says 503, never
401, at which clients throw their tokens away.
"""

import hmac
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

import httpx2
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from ..json_text import parse_json
from ..redis_pool import pooled
from ..sessions import bearer, unauthenticated
from ..settings import Settings
from .access_tokens import Access, AccessTokens, ForgedError
from .live import hold
from .passwords import Passwords
from .published_keys import PublishedKeys
from .refresh_tokens import Refresh, RefreshTokens
from .settings import SessionSettings
from .store import Outcome, Store, Times

REDIS_TIMEOUT_S = 1.0
REDIS_CONNECTIONS = 32
WAITS_FOR_CONNECTION_S = 5.0  # many at once wait for each other, and Redis is well all the while
IDENTITY_TIMEOUT_S = 1.0
LONGEST_TEXT = 256  # characters of a name or a password: to hash more costs us more than it costs the caller
LONGEST_BODY = 4096


class Capability:
    """The capability: its routes, its lifespan, whether its store answers, and what it counts."""

    def __init__(self, node: Settings, environ: Mapping[str, str]) -> None:
        self._settings = settings = SessionSettings.load(environ)
        self._redis = pooled(
            settings.redis_url, REDIS_CONNECTIONS, timeout_s=REDIS_TIMEOUT_S, wait_s=WAITS_FOR_CONNECTION_S
        )
        self._store = Store(self._redis)
        self._identity = httpx2.AsyncClient(base_url=settings.identity_provider_url, timeout=IDENTITY_TIMEOUT_S)
        self._keys = PublishedKeys(self._identity, settings.identity_keys_every_s)
        self._access = AccessTokens(settings, self._identity, self._keys)
        self._refresh = RefreshTokens(node.jwt_secret)
        self._passwords = Passwords()
        self._times = Times(round(settings.session_idle_s * 1000), round(settings.session_absolute_s * 1000))

    @property
    def routes(self) -> list[BaseRoute]:
        """What the capability answers to."""
        return [
            Route("/accounts", self._register, methods=["POST"]),
            Route("/accounts/{user:path}/sessions", self._expel, methods=["DELETE"]),
            Route("/sessions", self._sign_in, methods=["POST"]),
            Route("/sessions/refresh", self._exchange, methods=["POST"]),
            Route("/session", self._show, methods=["GET"]),
            Route("/session", self._sign_out, methods=["DELETE"]),
            Route("/password", self._change_password, methods=["PUT"]),
            Route("/events", self._list_events, methods=["GET"]),
            WebSocketRoute("/live", self._stay),
        ]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Owns the connections to Redis and to the identity provider, and keeps its keys fresh."""
        async with self._redis, self._identity, self._keys.kept_fresh():
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

    async def _register(self, request: Request) -> Response:
        said = await _texts(request, "name", "password")
        created = await self._store.register(said["name"], await self._passwords.hash(said["password"]))
        return Response(status_code=201 if created else 409)

    async def _sign_in(self, request: Request) -> Response:
        said = await _texts(request, "name", "password")
        user, kept = said["name"], await self._store.password_hash(said["name"])
        if not await self._passwords.fits(said["password"], kept):
            raise unauthenticated()
        access = Access(user, secrets.token_urlsafe(24))
        # Signed first: should that fail, nothing has been begun.
        token = await self._access.issue(access)
        if not await self._store.open(access.session, user, kept or "", self._times):
            raise unauthenticated()
        return self._tokens(token, Refresh(access.session, 0))

    async def _exchange(self, request: Request) -> Response:
        said = self._refresh.read((await _texts(request, "refresh_token", longest=LONGEST_BODY))["refresh_token"])
        user = await self._store.user_of(said.session) if said else None
        if not said or not user:
            raise unauthenticated()
        # Signed first: should that fail, the refresh token has not been used up.
        token = await self._access.issue(Access(user, said.session))
        grace_ms = round(self._settings.refresh_grace_s * 1000)
        outcome, successor = await self._store.exchange(said.session, user, said.generation, grace_ms)
        if outcome is not Outcome.EXCHANGED:
            raise unauthenticated()
        return self._tokens(token, Refresh(said.session, successor))

    async def _show(self, request: Request) -> Response:
        return JSONResponse({"user": (await self._signed_in(request)).user})

    async def _change_password(self, request: Request) -> Response:
        access, said = await self._signed_in(request), await _texts(request, "old", "new")
        kept = await self._store.password_hash(access.user)
        if not await self._passwords.fits(said["old"], kept):
            raise unauthenticated()
        new_hash = await self._passwords.hash(said["new"])
        if not await self._store.end_all(access.user, "password_changed", new_hash, kept or ""):
            raise unauthenticated()
        return Response(status_code=204)

    async def _expel(self, request: Request) -> Response:
        shown, key = bearer(request.headers) or "", self._settings.support_key
        if not key or not hmac.compare_digest(shown.encode(), key.encode()):
            raise unauthenticated()
        await self._store.end_all(request.path_params["user"], "ended_by_support")
        return Response(status_code=204)

    async def _list_events(self, request: Request) -> Response:
        access = await self._signed_in(request)
        return JSONResponse({"events": await self._store.events(access.user)})

    async def _stay(self, websocket: WebSocket) -> None:
        access = await self._signed_in(websocket)
        await websocket.accept()
        await hold(websocket, partial(self._store.is_there, access.session))

    async def _sign_out(self, request: Request) -> Response:
        access = await self._signed_in(request)
        await self._store.end(access.session, access.user)
        return Response(status_code=204)

    async def _signed_in(self, request: HTTPConnection) -> Access:
        """Who asks, in a session that has not ended. HTTPException 401 else, and an error when it cannot be known."""
        if len(request.headers.getlist("authorization")) > 1:
            raise unauthenticated()
        try:
            access = await self._access.verify(bearer(request.headers) or "")
        except ForgedError as error:
            raise unauthenticated() from error
        if not await self._store.use(access.session):
            raise unauthenticated()
        return access

    def _tokens(self, token: str, refresh: Refresh) -> Response:
        said = {"access_token": token, "token_type": "Bearer", "expires_in": round(self._settings.access_lifetime_s)}
        headers = {"Cache-Control": "no-store"}  # RFC 6749, section 5.1
        return JSONResponse({**said, "refresh_token": self._refresh.issue(refresh)}, headers=headers)


async def _texts(request: Request, *names: str, longest: int = LONGEST_TEXT) -> dict[str, str]:
    """The members of the JSON object that the body is: these and no others, each a text. Raises HTTPException."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise HTTPException(413, "too much")
    try:
        said = parse_json(body.decode())
    except ValueError as error:
        raise HTTPException(400, "expected a JSON object") from error
    if not isinstance(said, dict) or set(said) != set(names):
        raise HTTPException(422, f"expected a JSON object with {', '.join(names)}")
    if not all(_is_text(text) and 0 < len(text) <= longest for text in said.values()):
        raise HTTPException(422, f"expected texts of 1 to {longest} characters")
    return said


def _is_text(value: object) -> bool:
    """Whether it is a text that can be written, which half of a surrogate pair in JSON cannot (RFC 8259, 8.2)."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)
