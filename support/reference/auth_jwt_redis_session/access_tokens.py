"""Access tokens (RFC 9068): signed by the identity provider, and verified as RFC 8725 says.

Nothing that a token says decides how it is verified: there is one algorithm, and keys are those that are published.
"""

import math
import time
from dataclasses import dataclass
from typing import Any

import httpx2
import jwt

from ..unavailable import UnavailableError
from .published_keys import ALGORITHM, PublishedKeys
from .settings import SessionSettings

TYPE = "at+jwt"
LONGEST = 8192  # characters; more than any of ours has
_CLAIMS = {"sub": str, "sid": str, "iat": int, "exp": int}


class ForgedError(Exception):
    """The token is not one of ours, or not valid now."""


@dataclass(frozen=True)
class Access:
    """What a valid token says: who it is, and in which session."""

    user: str
    session: str


class AccessTokens:
    """Has tokens signed, and verifies them."""

    def __init__(self, settings: SessionSettings, http: httpx2.AsyncClient, keys: PublishedKeys) -> None:
        self._settings, self._http, self._keys = settings, http, keys

    async def issue(self, access: Access) -> str:
        """A token that has just been signed. Raises UnavailableError."""
        now = time.time()
        claims = {
            "sub": access.user, "sid": access.session, "aud": self._settings.identity_audience,
            "iat": int(now), "exp": math.ceil(now + self._settings.access_lifetime_s),
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {self._settings.identity_provider_key}"}
        try:
            answer = (await self._http.post("/token", json=claims, headers=headers)).raise_for_status()
            return str(answer.json()["access_token"])
        except (httpx2.HTTPError, LookupError, ValueError, TypeError) as error:
            raise UnavailableError("the identity provider signs nothing") from error

    async def verify(self, token: str) -> Access:
        """What `token` says. Raises ForgedError, or UnavailableError when its key cannot be had."""
        try:
            claims = await self._claims(token)
        except (jwt.PyJWTError, ValueError) as error:
            raise ForgedError from error
        if not all(type(claims.get(name)) is kind for name, kind in _CLAIMS.items()):
            raise ForgedError
        return Access(claims["sub"], claims["sid"])

    async def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > LONGEST:
            raise ForgedError
        header = jwt.get_unverified_header(token)
        if header.get("typ") != TYPE or header.get("alg") != ALGORITHM:
            raise ForgedError
        key = await self._keys.key(str(header.get("kid")))
        if key is None:
            raise ForgedError
        required: Any = {"require": [*_CLAIMS, "aud", "iss"]}
        audience, issuer = self._settings.identity_audience, self._settings.identity_issuer
        return dict(jwt.decode(token, key, [ALGORITHM], required, audience=audience, issuer=issuer))
