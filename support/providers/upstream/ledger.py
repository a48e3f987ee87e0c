"""The ledger of effects: a line for each time that an effect was done, in that order.

Whoever names a request by an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header) may repeat it, and it is done
once.
"""

import time
from collections import Counter
from fnmatch import fnmatchcase
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..meter import Arrival


class Ledger:
    """Effects by key. One that is done twice has two lines: what was doubled is not hidden."""

    def __init__(self) -> None:
        self._lines: list[dict[str, Any]] = []
        self._counts: Counter[str] = Counter()
        self._done: set[str] = set()  # by the names of the requests that asked for it

    def add(self, arrival: Arrival) -> int:
        """Does the effect that `arrival` asks for, unless that very request is repeated; how often it has been done."""
        key, request = arrival.fields["key"], arrival.header("idempotency-key")
        if request in self._done:
            return self._counts[key]
        if request:
            self._done.add(request)
        body = arrival.body.decode("utf-8", "replace")
        self._lines.append({"key": key, "seq": arrival.seq, "at": time.time(), "body": body})
        self._counts[key] += 1
        return self._counts[key]

    async def read(self, request: Request) -> Response:
        """?key=PATTERN: the lines of these keys, in order: key, seq (of the request), at (seconds), body."""
        pattern = request.query_params.get("key", "*")
        return JSONResponse({"effects": [line for line in self._lines if fnmatchcase(line["key"], pattern)]})

    def clear(self) -> None:
        """Empties the ledger."""
        self._lines.clear()
        self._counts.clear()
        self._done.clear()
