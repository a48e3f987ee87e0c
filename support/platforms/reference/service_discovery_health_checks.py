"""Service discovery of the reference platform: its routes and statuses, and the records of its instances."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from support.capabilities.service_discovery_health_checks.client import Checked, Health, Outcome, Reply, Served, Way
from support.clients.node_client import NodeClient
from support.promise import broken

_OUTCOMES = {502: Outcome.FAILED, 503: Outcome.UNAVAILABLE, 404: Outcome.UNKNOWN}
_HEALTH = {"passing": Health.WELL, "warning": Health.WARNING, "critical": Health.FAILING}
_WORDS = {health: word for word, health in _HEALTH.items()}
_WAYS = {Way.WATCH: "watch", Way.DNS: "dns"}


class Adapter(NodeClient):
    """One node, as its callers and its operators know it."""

    def call(self, service: str, label: str, tag: str = "", way: Way = Way.WATCH, takes_s: float = 0) -> Reply:
        """GET, and what came of it."""
        how = f"tag={quote(tag, safe='')}&by={_WAYS[way]}&takes={takes_s:g}"
        answer = self.ask("GET", f"/call/{quote(service, safe='')}/{label}?{how}")
        if answer.status_code in _OUTCOMES:
            return Reply(_OUTCOMES[answer.status_code])
        said = self.expect(answer, 200, "instance", "label")
        if said["label"] != label:
            broken(f"{self.name} answered the call {label} by {answer.text}")
        return Reply(Outcome.ANSWERED, said["instance"])

    def answer_checks(self, *answers: Health) -> None:
        """PUT the words for it."""
        self.expect(self.ask("PUT", "/instance/health", [_WORDS[health] for health in answers]), 204)

    def calls(self) -> Sequence[Served]:
        """The part of the record that is about calls."""
        return [Served(row["label"], row["at"]) for row in self._record()["calls"]]

    def checks(self) -> Sequence[Checked]:
        """The part of it that is about checks."""
        return [Checked(_HEALTH[row["health"]], row["at"]) for row in self._record()["checks"]]

    def _record(self) -> dict[str, Any]:
        return self.expect(self.ask("GET", "/instance/record"), 200, "calls", "checks")
