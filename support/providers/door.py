"""The door of a provider: what comes in is metered, and faults are met on the way in and out."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from .faults import Faults
from .meter import Meter
from .third_party import ThirdParty
from .visit import VISIT, Visit

# A way to see that the third party is reached, which is neither metered nor met by a fault.
SIGN_OF_LIFE = "/.provider"


class Door:
    """The application of the port on which the third party is played."""

    def __init__(self, provider: ThirdParty, meter: Meter, faults: Faults) -> None:
        self._provider, self._meter, self._faults = provider, meter, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets one request through. A request that its caller did not send to its end has not arrived."""
        if scope["path"] == SIGN_OF_LIFE:
            await PlainTextResponse("here")(scope, receive, send)
            return
        body = await _whole(receive)
        if body is None:
            return
        arrival = self._meter.note(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers=scope["headers"],
            body=body,
            source=scope["client"][0],
        )
        arrival.fields.update(self._provider.fields(arrival))
        visit = Visit(arrival, self._faults, self._provider.refusal, scope, receive, send)
        scope[VISIT] = visit
        await self._provider.app(scope, visit.receive, visit.send)


class BeforeTheDeed:
    """Stands in a provider's application before what carries requests out: here they are held, refused or let in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets one request in, unless a fault keeps it out."""
        visit: Visit = scope[VISIT]
        if await visit.let_in(send):
            await self._app(scope, receive, send)


async def _whole(receive: Receive) -> bytes | None:
    """The body; None when the caller hung up before its end."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)
