"""The upstream: any request is answered as scripted, and POST /effects/{key} has an effect each time it is done."""

from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from ..door import BeforeTheDeed
from ..meter import Arrival
from ..visit import VISIT
from .answers import FIELDS, Answers
from .ledger import Ledger

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_EFFECTS = "/effects/"


class Provider:
    """Every path is there. An effect is done as often as it is asked for: whoever asks twice has done it twice.

    But for who says by an Idempotency-Key that it is the same request.
    """

    names = FIELDS

    def __init__(self) -> None:
        self._answers = Answers()
        self._ledger = Ledger()
        routes = [
            Route(_EFFECTS + "{key:path}", self._effect, methods=["POST"]),
            Route("/{path:path}", self._any, methods=_METHODS),
        ]
        self.app: ASGIApp = BeforeTheDeed(Starlette(routes=routes))

    @property
    def control(self) -> list[BaseRoute]:
        """Scripted answers, and the ledger."""
        return [
            Route("/answers", self._answers.script, methods=["POST"]),
            Route("/answers", self._answers.unscript, methods=["DELETE"]),
            Route("/effects", self._ledger.read),
        ]

    def fields(self, arrival: Arrival) -> Mapping[str, Any]:
        """`key`, of an effect that is asked for."""
        return {"key": arrival.path.removeprefix(_EFFECTS)} if arrival.path.startswith(_EFFECTS) else {}

    def refusal(self, status: int, headers: Mapping[str, str]) -> Response:
        """A short JSON object."""
        return JSONResponse({"error": f"refused with {status}"}, status, headers=dict(headers))

    def calm(self) -> None:
        """No answer is scripted."""
        self._answers.clear()

    def forget(self) -> None:
        """An empty ledger, too."""
        self.calm()
        self._ledger.clear()

    async def _any(self, request: Request) -> Response:
        arrival = request.scope[VISIT].arrival
        return self._answers.to(arrival) or JSONResponse(
            {"seq": arrival.seq, "path": arrival.path, "query": arrival.query}
        )

    async def _effect(self, request: Request) -> Response:
        arrival = request.scope[VISIT].arrival
        effects = self._ledger.add(arrival)
        return self._answers.to(arrival) or JSONResponse({"key": arrival.fields["key"], "effects": effects})
