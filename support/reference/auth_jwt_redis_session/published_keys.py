"""The identity provider's published keys (RFC 7517), as this node knows them.

They are fetched anew at regular intervals, and when a token names a key that nobody knows. All who wait share a fetch,
and between two there is a pause, however many such tokens come; so nobody is refused by what was published before the
token was shown. While keys cannot be fetched, those that are known stay.
"""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import jwt

from ..unavailable import UnavailableError

ALGORITHM = "RS256"
PAUSE_S = 0.5  # between the beginnings of two fetches, at the least
PATIENCE_S = 1.2  # who waits for longer than that, for a pause and for fetches, is told to ask again
_PATH = "/.well-known/jwks.json"

logger = logging.getLogger(__name__)


class PublishedKeys:
    """Public keys by their id."""

    def __init__(self, http: httpx2.AsyncClient, every_s: float) -> None:
        self._http, self._every_s = http, every_s
        self._keys: dict[str, Any] = {}
        self._fetching = asyncio.Lock()
        self._fetched_at = -math.inf  # when the last fetch began
        self._failed = False  # the last time

    @asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        """Fetches the keys now, and again every now and then until the block is left."""
        await self._fetch()
        task = asyncio.create_task(self._fetch_regularly())
        try:
            yield
        finally:
            task.cancel()

    async def key(self, kid: str) -> Any:
        """The key of that id. None when there is none such; UnavailableError when that cannot be known at present."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._seek(kid, time.monotonic())
        except TimeoutError as error:
            raise UnavailableError("the identity provider's keys do not come") from error
        if kid not in self._keys and self._failed:
            raise UnavailableError("the identity provider's keys cannot be had")
        return self._keys.get(kid)

    async def _seek(self, kid: str | None, asked_at: float) -> None:
        """Returns when that key is known, or when the keys have been fetched that were published at `asked_at`."""
        if kid in self._keys:
            return
        async with self._fetching:
            if kid not in self._keys and self._fetched_at < asked_at:
                await asyncio.sleep(self._fetched_at + PAUSE_S - time.monotonic())
                await self._fetch()

    async def _fetch_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            await self._seek(None, time.monotonic())

    async def _fetch(self) -> None:
        self._failed = True  # until it has succeeded, also where whoever waits for it gives up
        self._fetched_at = time.monotonic()
        try:
            answer = (await self._http.get(_PATH)).raise_for_status()
            self._keys = dict(_verifying(answer.json()))
            self._failed = False
        except (httpx2.HTTPError, LookupError, ValueError, TypeError, AttributeError, jwt.PyJWTError) as error:
            logger.warning("the identity provider's keys: %r", error)


def _verifying(published: Any) -> list[tuple[str, Any]]:
    """The keys that verify by our algorithm; others are for others."""
    ours = [one for one in published["keys"] if one.get("kty") == "RSA" and one.get("alg", ALGORITHM) == ALGORITHM]
    return [(one["kid"], jwt.PyJWK(one, ALGORITHM).key) for one in ours]
