"""Sessions: the identity provider's signed tokens, and the standing authorisation that follows from them.

A token is judged when it is shown, and for as long as a connection lives by it: the connection ends when the
token expires (RFC 7519, section 4.1.4) or when its user logs out, on whichever node that happens.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import jwt
from redis.asyncio import Redis
from starlette.exceptions import HTTPException

ENDED_TOPIC = "sessions:ended"  # its messages are the jti of a session, see Sessions.hear_end
REQUIRED_CLAIMS = ["sub", "jti", "exp", "channels"]
POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1


@dataclass(frozen=True)
class Session:
    """What a valid token says: who it is, until when (seconds since 1970), and which channels are theirs."""

    user: str
    jti: str
    expires: int
    channels: frozenset[str]

    def allows(self, channel: str) -> bool:
        """Whether the channel may be read and published to; names are never patterns."""
        return channel in self.channels


class Attached(Protocol):
    """A connection that lives by a session."""

    session: Session

    def end(self, code: int, reason: str) -> None:
        """Closes the connection with that code; does nothing when it has ended already."""


class Sessions:
    """Verifies tokens, and ends the connections of sessions that are over."""

    def __init__(self, redis: Redis, secret: str) -> None:
        self._redis, self._secret = redis, secret
        self._attached: defaultdict[str, dict[Attached, asyncio.TimerHandle]] = defaultdict(dict)

    def __len__(self) -> int:
        return sum(map(len, self._attached.values()))

    def verify(self, token: str | None) -> Session:
        """Gives the token's session; raises HTTPException 401 if it is absent, forged or expired."""
        try:
            claims = jwt.decode(token or "", self._secret, ["HS256"], {"require": REQUIRED_CLAIMS})
            channels = claims["channels"]
            if not isinstance(channels, list) or not all(isinstance(name, str) for name in channels):
                raise jwt.InvalidTokenError("the claim channels is no list of strings")
        except jwt.InvalidTokenError as error:
            raise unauthenticated() from error
        return Session(claims["sub"], claims["jti"], int(claims["exp"]), frozenset(channels))

    async def require_live(self, session: Session) -> None:
        """Raises HTTPException 401 if the user has logged out, RedisError if that can not be known."""
        if await self._redis.exists(_revoked_key(session.jti)):
            raise unauthenticated()

    async def revoke(self, session: Session) -> None:
        """Ends the session everywhere, until its token would have expired anyway. Raises RedisError."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(_revoked_key(session.jti), 1, exat=session.expires)
            pipeline.publish(ENDED_TOPIC, session.jti)
            await pipeline.execute()

    def attach(self, connection: Attached) -> None:
        """Ends the connection, from now on, when its session is over."""
        remaining_s = max(0.0, connection.session.expires - time.time())
        loop = asyncio.get_running_loop()
        timer = loop.call_later(remaining_s, connection.end, POLICY_VIOLATION, "session expired")
        self._attached[connection.session.jti][connection] = timer

    def detach(self, connection: Attached) -> None:
        """Forgets a connection that has ended."""
        mates = self._attached[connection.session.jti]
        mates.pop(connection).cancel()
        if not mates:
            del self._attached[connection.session.jti]

    async def recheck(self) -> None:
        """Ends what was revoked while this node could not hear of it. Raises RedisError."""
        tokens = list(self._attached)
        async with self._redis.pipeline(transaction=False) as pipeline:
            for jti in tokens:
                pipeline.exists(_revoked_key(jti))
            for jti, revoked in zip(tokens, await pipeline.execute(), strict=True):
                if revoked:
                    self.hear_end(jti)

    def hear_end(self, jti: str) -> None:
        """Ends the connections that live by that session."""
        for connection in tuple(self._attached.get(jti, ())):
            connection.end(POLICY_VIOLATION, "session ended")


def bearer(headers: Mapping[str, str]) -> str | None:
    """The token of an Authorization header (RFC 6750, section 2.1), None if there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def unauthenticated() -> HTTPException:
    """The answer 401, without the reason: it would only help whoever forges tokens."""
    return HTTPException(401, "unauthenticated", headers={"WWW-Authenticate": "Bearer"})


def _revoked_key(jti: str) -> str:
    return f"revoked:{jti}"
