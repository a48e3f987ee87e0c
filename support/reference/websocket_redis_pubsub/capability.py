"""Live updates over WebSocket, carried between nodes by Redis Pub/Sub and made whole by a history."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from ..feed import Feed
from ..json_text import parse_json, to_json
from ..redis_pool import pooled
from ..sessions import ENDED_TOPIC, Session, Sessions, bearer
from ..settings import Settings
from .channels import Channels, History, Position, message
from .peer import Peer
from .presence import Presence
from .settings import WebsocketSettings

REDIS_CONNECTIONS = 4
REDIS_TIMEOUT_S = 1.5  # a line that is a third of a second slow may stall for half of one besides, and is no outage


class Capability:
    """The capability: its routes, its lifespan, whether its store answers, and what it counts."""

    def __init__(self, node: Settings, environ: Mapping[str, str]) -> None:
        self._settings = settings = WebsocketSettings.load(environ)
        self._redis = pooled(settings.redis_url, REDIS_CONNECTIONS, REDIS_TIMEOUT_S)
        self._history = History(self._redis, settings.history_size, settings.history_ttl_s)
        self._sessions = Sessions(self._redis, node.jwt_secret)
        self._feed = Feed(settings.redis_url, {ENDED_TOPIC: self._sessions.hear_end}, self._restored)
        self._channels = Channels(self._history, self._feed)
        self._presence = Presence(self._redis, settings.presence_ttl_s)

    @property
    def routes(self) -> list[BaseRoute]:
        """What the capability answers to."""
        return [
            WebSocketRoute("/realtime", self._realtime),
            Route("/channels/{channel:path}/updates", self._publish_over_http, methods=["POST"]),
            Route("/channels/{channel:path}/presence", self._show_presence, methods=["GET"]),
            Route("/session", self._log_out, methods=["DELETE"]),
        ]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Owns the tasks that run as long as the node does."""
        async with self._redis, asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._feed.run()), tasks.create_task(self._presence.run())]
            yield
            self._channels.close()
            for task in running:
                task.cancel()
            with suppress(RedisError):  # what can not be taken back now ends by itself within its TTL
                await self._presence.write()

    async def healthy(self) -> bool:
        """Whether Redis answers, and the node hears what is published there."""
        try:
            return bool(await self._redis.ping()) and self._feed.live
        except RedisError:
            return False

    def counts(self) -> dict[str, int]:
        """How many connections and channels the node serves."""
        return {"connections": len(self._sessions), "channels": len(self._channels)}

    async def _restored(self) -> None:
        self._channels.catch_up()
        self._presence.renew()
        await self._sessions.recheck()

    # WebSocket

    async def _realtime(self, websocket: WebSocket) -> None:
        # A browser sends the cookie along with whatever page opens the socket (RFC 6455, section 10.2).
        if websocket.headers.get("origin") not in (None, *self._settings.allowed_origins):
            raise HTTPException(403, "this origin is not allowed")
        in_header = "authorization" in websocket.headers
        token = bearer(websocket.headers) if in_header else websocket.cookies.get("session")
        session = self._sessions.verify(token)
        peer = Peer(websocket, session, self._settings.outbox_limit_bytes, self._forget)
        self._sessions.attach(peer)  # before the question, so that no logout falls between the two
        try:
            await self._sessions.require_live(session)
            await websocket.accept()
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(peer.write())
                await self._listen(websocket, peer)
                writer.cancel()
        finally:
            peer.end()

    async def _listen(self, websocket: WebSocket, peer: Peer) -> None:
        while (received := await websocket.receive())["type"] != "websocket.disconnect":
            if not peer.ended:  # a session that is over asks for nothing any more
                await self._answer(peer, received.get("text") or "")

    async def _answer(self, peer: Peer, text: str) -> None:
        request: Any = None
        try:
            request = parse_json(text)
            await self._obey(peer, request)
        except (ValueError, ForbiddenError, RedisError, TimeoutError) as error:
            names = {"channel": None, "ref": None}
            names |= {key: request[key] for key in names if isinstance(request, dict) and key in request}
            peer.send(to_json({"type": "error", "error": _name_of(error), **names}))

    async def _obey(self, peer: Peer, request: Any) -> None:
        match request:
            case {"type": "subscribe", "channel": str(channel)}:
                await self._subscribe(peer, channel, position_in(request.get("after")))
            case {"type": "unsubscribe", "channel": str(channel)}:
                self._leave(peer, channel)
                peer.send(to_json({"type": "unsubscribed", "channel": channel}))
            case {"type": "publish", "channel": str(channel), "data": data}:
                require_allowed(peer.session, channel)
                position = await self._history.publish(channel, to_json(data))
                peer.send(message("published", channel, position, ref=request.get("ref")))
            case _:
                raise ValueError("expected a subscribe, unsubscribe or publish with its fields")

    async def _subscribe(self, peer: Peer, channel: str, after: Position | None) -> None:
        require_allowed(peer.session, channel)
        try:
            await self._channels.subscribe(peer, channel, after)
        except (RedisError, TimeoutError):
            self._leave(peer, channel)  # it may have been subscribed before, and now is not
            raise
        peer.channels.add(channel)
        self._presence.join(channel, peer.id, peer.session.user)
        if peer.ended:  # meanwhile
            self._leave(peer, channel)
        await peer.drained()  # one replay at a time

    def _leave(self, peer: Peer, channel: str) -> None:
        peer.channels.discard(channel)
        self._channels.leave(peer, channel)
        self._presence.leave(channel, peer.id, peer.session.user)

    def _forget(self, peer: Peer) -> None:
        self._sessions.detach(peer)
        for channel in tuple(peer.channels):
            self._leave(peer, channel)

    # HTTP

    async def _publish_over_http(self, request: Request) -> Response:
        channel = request.path_params["channel"]
        await self._authorise(request, channel)
        try:
            data = to_json(parse_json((await request.body()).decode())["data"])
        except (ValueError, TypeError, LookupError) as error:
            raise HTTPException(400, 'expected a JSON object with the member "data"') from error
        position = await self._history.publish(channel, data)
        return JSONResponse(position._asdict(), status_code=201)

    async def _show_presence(self, request: Request) -> Response:
        channel = request.path_params["channel"]
        await self._authorise(request, channel)
        return JSONResponse({"users": await self._presence.users(channel)})

    async def _log_out(self, request: Request) -> Response:
        await self._sessions.revoke(await self._authenticate(request))
        return Response(status_code=204)

    async def _authenticate(self, request: Request) -> Session:
        # Only the header, never the cookie: a foreign page could make a browser send that.
        session = self._sessions.verify(bearer(request.headers))
        await self._sessions.require_live(session)
        return session

    async def _authorise(self, request: Request, channel: str) -> None:
        session = await self._authenticate(request)
        if not session.allows(channel):
            raise HTTPException(403, "this channel is not yours")


class ForbiddenError(Exception):
    """The session does not allow the channel."""


def require_allowed(session: Session, channel: str) -> None:
    """Raises ForbiddenError unless the session allows the channel."""
    if not session.allows(channel):
        raise ForbiddenError(channel)


def position_in(after: Any) -> Position | None:
    """The position that a client named, None if it named none; raises ValueError where it is no position."""
    match after:
        case None:
            return None
        case {"epoch": str(epoch), "offset": int(offset)} if offset >= 0 and not isinstance(offset, bool):
            return Position(epoch, offset)
    raise ValueError("expected an epoch and an offset")


def _name_of(error: Exception) -> str:
    if isinstance(error, ForbiddenError):
        return "forbidden"
    return "bad_request" if isinstance(error, ValueError) else "unavailable"
