"""Answers that were scripted: what a request gets in the place of the upstream's own answer."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..meter import Arrival, check

FIELDS = ("key",)  # what the upstream knows of a request besides its method and path


class Answers:
    """The scripted answers; of several that match, the one that was said last stands."""

    def __init__(self) -> None:
        self._said: list[Mapping[str, Any]] = []

    def to(self, arrival: Arrival) -> Response | None:
        """What was scripted for this request, if anything was."""
        for said in reversed(self._said):
            if arrival.matches(said.get("match", {})):
                return Response(said.get("body", ""), said.get("status", 200), said.get("headers"))
        return None

    async def script(self, request: Request) -> Response:
        """{match, status, headers, body}: what those that match are answered from now on."""
        said = await request.json()
        if unknown := set(said) - {"match", "status", "headers", "body"}:
            raise ValueError(f"an answer has match, status, headers and body, and no {', '.join(unknown)}")
        check(said.get("match", {}), FIELDS)
        self._said.append(said)
        return JSONResponse({}, 201)

    async def unscript(self, _: Request) -> Response:
        """Takes every scripted answer back."""
        self.clear()
        return JSONResponse({})

    def clear(self) -> None:
        """No answer is scripted."""
        self._said.clear()
