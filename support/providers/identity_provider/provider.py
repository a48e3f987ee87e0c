"""The identity provider: GET /.well-known/jwks.json, and POST /token, which signs what its customer asks it to."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from ..door import BeforeTheDeed
from ..meter import Arrival
from .keys import Keys

ISSUER = "https://identity.example"
_CUSTOMERS_KEY = "Bearer idp_test_"  # how the keys of its customers begin


class Provider:
    """Keys that verify are for everybody. Who wants something signed shows a customer's key."""

    names = ()

    def __init__(self) -> None:
        folder = os.environ.get("PROVIDER_KEEPS_IN")
        self._keys = Keys(Path(folder, "keys.json") if folder else None)
        routes = [
            Route("/.well-known/jwks.json", self._publish),
            Route("/token", self._issue, methods=["POST"]),
            Route("/strangers/jwks.json", self._mislead),
        ]
        self.app: ASGIApp = BeforeTheDeed(Starlette(routes=routes))

    @property
    def control(self) -> list[BaseRoute]:
        """What the keys are, what they sign, and their change."""
        return [
            Route("/keys", self._tell),
            Route("/sign", self._sign, methods=["POST"]),
            Route("/rotate", self._rotate, methods=["POST"]),
            Route("/retire", self._retire, methods=["POST"]),
        ]

    def fields(self, arrival: Arrival) -> Mapping[str, Any]:
        """Nothing besides method and path."""
        return {}

    def refusal(self, status: int, headers: Mapping[str, str]) -> Response:
        """As RFC 6749 has it, section 5.2."""
        return JSONResponse({"error": "temporarily_unavailable"}, status, headers=dict(headers))

    def calm(self) -> None:
        """Keys that were changed stay so."""

    def forget(self) -> None:
        """Keys that nobody has seen before."""
        self._keys.renew()

    async def _publish(self, _: Request) -> Response:
        return JSONResponse(self._keys.jwks())

    async def _mislead(self, _: Request) -> Response:
        """What a forged token would have its reader fetch."""
        return JSONResponse({"keys": [self._keys.strangers.jwk]})

    async def _issue(self, request: Request) -> Response:
        if not request.headers.get("authorization", "").startswith(_CUSTOMERS_KEY):
            return JSONResponse({"error": "invalid_client"}, 401)
        return JSONResponse({"access_token": self._keys.token({**await request.json(), "iss": ISSUER})})

    async def _tell(self, _: Request) -> Response:
        """The key that signs (kid, pem), the one of another kind (kid), and the stranger's (jwk)."""
        key, other = self._keys.published[-1], self._keys.jwks()["keys"][-1]
        own = {"kid": key.kid, "pem": key.pem, "elliptic_kid": other["kid"]}
        return JSONResponse({**own, "stranger": self._keys.strangers.jwk})

    async def _sign(self, request: Request) -> Response:
        """{text, stranger}: the signature of the text, by the key that signs or by the stranger's."""
        said = await request.json()
        key = self._keys.strangers if said["stranger"] else self._keys.published[-1]
        return JSONResponse({"signature": key.sign(said["text"])})

    async def _rotate(self, _: Request) -> Response:
        self._keys.rotate()
        return JSONResponse({})

    async def _retire(self, _: Request) -> Response:
        self._keys.retire()
        return JSONResponse({})
