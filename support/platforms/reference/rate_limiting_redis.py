"""Rate limits of the reference platform: its routes, its headers, the claims of its tokens."""

import requests

from support.capabilities.rate_limiting_redis.client import Answer, Customer, Verdict
from support.clients.identity import IdentityProvider
from support.clients.node_client import NodeClient
from support.platforms.platform import Door
from support.promise import broken

_AT_ONCE = 200
_VERDICTS = {
    200: Verdict.ADMITTED,
    400: Verdict.INVALID,
    401: Verdict.UNAUTHENTICATED,
    429: Verdict.LIMITED,
    503: Verdict.UNAVAILABLE,
}


class Adapter(NodeClient):
    """One gateway, as its customers call it."""

    def __init__(self, door: Door) -> None:
        super().__init__(door, at_once=_AT_ONCE)
        self._identity = IdentityProvider(door.environment["JWT_SECRET"])

    def call(self, customer: Customer, path: str, cost: int = 1) -> Answer:
        """A call with the token of `customer`."""
        token = self._identity.token(customer.name, [], plan=customer.plan)
        answer = self.ask("GET", f"/api/{path}?items={cost}", token=token)
        if answer.status_code not in _VERDICTS:
            broken(f"{self.name} answered a call by {answer.status_code}: {answer.text}")
        return Answer(_VERDICTS[answer.status_code], _remaining(answer), _whole(answer.headers.get("Retry-After")))


def _remaining(answer: requests.Response) -> int | None:
    """r of RateLimit: "plan";r=50;t=30."""
    parts = answer.headers.get("RateLimit", "").split(";")
    return next((_whole(part.removeprefix("r=")) for part in parts if part.startswith("r=")), None)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
