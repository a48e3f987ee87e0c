"""Rate limits of Tollgate: its route, its passes and its codes."""

import hashlib
import hmac
from collections.abc import Sequence

import requests

from support.capabilities.rate_limiting_redis.client import Answer, Customer, Resource, Verdict
from support.clients.node_client import NodeClient, member
from support.platforms.platform import Door
from support.promise import broken

_AT_ONCE = 200
_VERDICTS = {
    200: Verdict.ADMITTED,
    403: Verdict.UNAUTHENTICATED,
    420: Verdict.LIMITED,
    422: Verdict.INVALID,
    502: Verdict.UNAVAILABLE,
}


class Adapter(NodeClient):
    """One gate, as travellers pass it."""

    def __init__(self, door: Door) -> None:
        super().__init__(door, at_once=_AT_ONCE)
        self._key = door.environment["TOLL_KEY"].encode()

    def call(self, customer: Customer, resource: Resource, label: str, items: str = "1") -> Answer:
        """A passage with a pass that is signed by the platform's own key."""
        traveller = f"{customer.name}/{customer.plan}"
        signature = hmac.new(self._key, traveller.encode(), hashlib.sha256).hexdigest()
        asked = {"to": f"{resource.name}/{label}", "passages": items}
        return self._told(self.ask("POST", "/v2/passages", asked, headers={"X-Pass": f"{traveller}/{signature}"}))

    def call_without_account(self, came_by: Sequence[str], resource: Resource, label: str, items: str = "1") -> Answer:
        """A passage without a pass, which nobody gets."""
        return self._told(self.ask("POST", "/v2/passages", {"to": f"{resource.name}/{label}", "passages": items}))

    def _told(self, answer: requests.Response) -> Answer:
        if answer.status_code not in _VERDICTS:
            broken(f"{self.name} answered a passage by {answer.status_code}: {answer.text}")
        wait_ms = member(answer, "again_in_ms")
        left, wait_s = member(answer, "left"), wait_ms and -(-wait_ms // 1000)
        return Answer(_VERDICTS[answer.status_code], remaining=left, retry_after_s=wait_s)
