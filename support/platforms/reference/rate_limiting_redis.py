"""Rate limits of the reference platform: its routes, its headers, the claims of its tokens."""

from collections.abc import Sequence
from ipaddress import IPv4Address
from itertools import cycle
from random import getrandbits
from typing import Any
from urllib.parse import quote

import http_sf
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict

from support.capabilities.rate_limiting_redis.client import Answer, Customer, Resource, Verdict
from support.clients.identity import IdentityProvider
from support.clients.node_client import NodeClient
from support.platforms.platform import Door
from support.promise import broken

_AT_ONCE = 200
_FORWARDED = "X-Forwarded-For"
_FORWARDED_TOO = "X-Forwarded-For-Too"
_VERDICTS = {
    200: Verdict.ADMITTED,
    400: Verdict.INVALID,
    422: Verdict.INVALID,
    401: Verdict.UNAUTHENTICATED,
    429: Verdict.LIMITED,
    503: Verdict.UNAVAILABLE,
}


class Adapter(NodeClient):
    """One gateway, as its customers call it."""

    def __init__(self, door: Door) -> None:
        super().__init__(door, at_once=_AT_ONCE)
        self._http.mount("http://", _Lines(pool_maxsize=_AT_ONCE))
        self._in_one_line = cycle((True, False))
        self._identity = IdentityProvider(door.environment["JWT_SECRET"])

    def call(self, customer: Customer, resource: Resource, label: str, items: str = "1") -> Answer:
        """A call with the token of `customer`, who calls from another address each time."""
        token = self._identity.token(customer.name, [], plan=customer.plan)
        path = f"/api/{resource.name.lower()}/{label}?items={quote(items)}"
        return self._told(self.ask("GET", path, token=token, headers={_FORWARDED: str(IPv4Address(getrandbits(32)))}))

    def call_without_account(self, came_by: Sequence[str], resource: Resource, label: str, items: str = "1") -> Answer:
        """A call without a token; the addresses are in X-Forwarded-For.

        To what the caller wrote there, nginx adds the address that it has seen, and HAProxy a line with it: in turn.
        """
        *before, seen = came_by
        path = f"/api/{resource.name.lower()}/{label}?items={quote(items)}"
        if next(self._in_one_line) or not before:
            return self._told(self.ask("GET", path, headers={_FORWARDED: ", ".join(came_by)}))
        return self._told(self.ask("GET", path, headers={_FORWARDED: ", ".join(before), _FORWARDED_TOO: seen}))

    def _told(self, answer: requests.Response) -> Answer:
        if answer.status_code not in _VERDICTS:
            broken(f"{self.name} answered a call by {answer.status_code}: {answer.text}")
        policy, state = (_parameters(answer, name) for name in ("RateLimit-Policy", "RateLimit"))
        wait = answer.headers.get("Retry-After", "")
        return Answer(
            _VERDICTS[answer.status_code],
            policy.get("q"),
            policy.get("w"),
            state.get("r"),
            int(wait) if wait.isdecimal() else None,
            state.get("t"),
        )


class _Lines(HTTPAdapter):
    """Sends the header that is to be in a line of its own under its true name; `requests` knows a name once only."""

    def add_headers(self, request: requests.PreparedRequest, **kwargs: Any) -> None:
        """Called with each request before it is sent."""
        if seen := request.headers.pop(_FORWARDED_TOO, None):
            lines = HTTPHeaderDict(request.headers)
            lines.add(_FORWARDED, seen)
            request.headers = lines  # type: ignore[assignment]


def _parameters(answer: requests.Response, name: str) -> dict[str, Any]:
    """The parameters of a header such as "plan";r=50;t=30, a list of one item (RFC 9651); none where it is not so."""
    try:
        items: Any = http_sf.parse(answer.headers.get(name, "").encode(), tltype="list")
        ((_, parameters),) = items
    except ValueError:
        return {}
    return dict(parameters)
