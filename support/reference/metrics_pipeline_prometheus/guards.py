"""What stands before the shop: it may be closed for maintenance, and it serves nobody who has not signed in."""

from pathlib import Path

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..sessions import bearer

REQUIRED_CLAIMS = ["sub", "exp"]


class Maintenance:
    """The shop is closed as long as `sign` is there: a file, so that all workers of the node see it."""

    def __init__(self, app: ASGIApp, sign: Path) -> None:
        self._app, self._sign = app, sign

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets one request through, unless the shop is closed."""
        if self._sign.exists():
            answer = JSONResponse({"error": "closed for maintenance"}, 503, {"Retry-After": "60"})
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class SignedIn:
    """Customers show a token that the identity provider has signed with `secret`."""

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self._app, self._secret = app, secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets one request through, if it is a customer's."""
        answer = self._app if self._known(Request(scope)) else self._refusal()
        await answer(scope, receive, send)

    def _known(self, request: Request) -> bool:
        try:
            jwt.decode(bearer(request.headers) or "", self._secret, ["HS256"], {"require": REQUIRED_CLAIMS})
        except jwt.InvalidTokenError:
            return False
        return True

    def _refusal(self) -> Response:
        return JSONResponse({"error": "unauthenticated"}, 401, {"WWW-Authenticate": "Bearer"})
