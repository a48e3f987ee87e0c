"""The control port: where a provider is told how to misbehave, and asked what arrived. For the suite alone."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.websockets import WebSocket

from .faults import Fault, Faults, WrongFault
from .meter import Meter, check
from .third_party import ThirdParty


class Control:
    """What the suite may tell and ask every provider."""

    def __init__(self, provider: ThirdParty, meter: Meter, faults: Faults) -> None:
        self._provider, self._meter, self._faults = provider, meter, faults

    def app(self) -> Starlette:
        """The application of the control port, with what this provider can be told besides."""
        routes: list[BaseRoute] = [
            Route("/health", self.health),
            Route("/faults", self.arm, methods=["POST"]),
            Route("/faults", self.heal_all, methods=["DELETE"]),
            Route("/faults/{id:int}", self.fault),
            Route("/faults/{id:int}", self.heal, methods=["DELETE"]),
            Route("/faults/{id:int}/release", self.release, methods=["POST"]),
            Route("/meter", self.meter),
            Route("/calm", self.calm, methods=["POST"]),
            Route("/forget", self.forget, methods=["POST"]),
        ]
        handlers = {
            HTTPException: _refused,
            WrongFault: _wrong,
            ValueError: _wrong,
            TypeError: _wrong,
            KeyError: _wrong,
        }
        return Starlette(routes=routes + self._provider.control, exception_handlers=handlers)

    async def health(self, _: Request) -> Response:
        """200: the server opens this port last."""
        return JSONResponse({})

    async def arm(self, request: Request) -> Response:
        """Arms a fault: {do, match, times, nth, ...}; answers its state with its id."""
        said = await request.json()
        check(said.get("match", {}), self._provider.names)
        return JSONResponse(self._faults.add(said).row(), 201)

    async def fault(self, request: Request) -> Response:
        """The state of one fault: armed, hits, waiting."""
        return JSONResponse(self._named(request).row())

    async def release(self, request: Request) -> Response:
        """{requests: [seq, ...] or null for all, cut}: lets go on whom the fault holds, or cuts them instead."""
        fault, said = self._named(request), await request.json()
        fault.release(said["requests"], go_on=not said["cut"])
        return JSONResponse(fault.row())

    async def heal(self, request: Request) -> Response:
        """Ends one fault: whom it holds goes on."""
        fault = self._named(request)
        fault.heal()
        return JSONResponse(fault.row())

    async def heal_all(self, _: Request) -> Response:
        """Ends all faults."""
        self._faults.heal()
        return JSONResponse({})

    async def meter(self, request: Request) -> Response:
        """What arrived: ?since=SEQ, and any of method, path (a pattern) and the provider's own fields.

        `last` is the number of the last request of all.
        """
        wanted = dict(request.query_params)
        since = int(wanted.pop("since", 0))
        check(wanted, self._provider.names)
        found = [arrival.row() for arrival in self._meter.read(since, wanted)]
        return JSONResponse({"requests": found, "last": self._meter.last})

    async def calm(self, _: Request) -> Response:
        """Ends all faults, and takes back everything else that it was told."""
        self._faults.heal()
        self._provider.calm()
        return JSONResponse({})

    async def forget(self, _: Request) -> Response:
        """Makes everything as it was at the start; what is held is cut, and is not carried out."""
        self._faults.forget()
        self._provider.forget()
        self._meter.forget()
        return JSONResponse({})

    def _named(self, request: Request) -> Fault:
        fault = self._faults.all.get(request.path_params["id"])
        if fault is None:
            raise HTTPException(404, f"there is no fault {request.path_params['id']}")
        return fault


async def _refused(_: Request | WebSocket, error: Exception) -> Response:
    status, detail = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, str(error))
    return JSONResponse({"error": detail}, status)


async def _wrong(_: Request | WebSocket, error: Exception) -> Response:
    return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)
