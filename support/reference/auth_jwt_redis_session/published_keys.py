"""The identity provider's published keys (RFC 7517), as this node knows them.

They are fetched anew at regular intervals, and when a token names a key that nobody knows: at most once a second then,
however many such tokens come. While they cannot be fetched, those that are known stay.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import jwt

from ..unavailable import UnavailableError

ALGORITHM = "RS256"
PAUSE_S = 1.0  # between two fetches that tokens cause
_PATH = "/.well-known/jwks.json"

logger = logging.getLogger(__name__)


class PublishedKeys:
    """Public keys by their id."""

    def __init__(self, http: httpx2.AsyncClient, every_s: float) -> None:
        self._http, self._every_s = http, every_s
        self._keys: dict[str, Any] = {}
        self._fetching = asyncio.Lock()
        self._sought_at = -PAUSE_S  # when a token last caused a fetch
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
        if kid not in self._keys:
            async with self._fetching:
                if kid not in self._keys and time.monotonic() - self._sought_at >= PAUSE_S:
                    self._sought_at = time.monotonic()
                    await self._fetch()
        if kid not in self._keys and self._failed:
            raise UnavailableError("the identity provider's keys cannot be had")
        return self._keys.get(kid)

    async def _fetch_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            async with self._fetching:
                await self._fetch()

    async def _fetch(self) -> None:
        self._failed = True
        try:
            answer = (await self._http.get(_PATH)).raise_for_status()
            self._keys = dict(_verifying(answer.json()))
        except (httpx2.HTTPError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
            logger.warning("the identity provider's keys: %r", error)
            return
        self._failed = False


def _verifying(published: Any) -> list[tuple[str, Any]]:
    """The keys that verify by our algorithm; others are for others."""
    ours = [one for one in published["keys"] if one.get("kty") == "RSA" and one.get("alg", ALGORITHM) == ALGORITHM]
    return [(one["kid"], jwt.PyJWK(one, ALGORITHM).key) for one in ours]
