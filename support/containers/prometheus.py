"""Prometheus and Alertmanager, which work by files of the target's: what is scraped, the rules, whom to tell."""

from typing import ClassVar

import requests

from support.containers.http import answers_200
from support.containers.service import MIB, Limits, Store
from support.errors import FleetError

_TAKES_WITHIN_S = 10.0


class _Monitor(Store):
    """What both have in common: they say by HTTP that they are ready, and read their files again when told to.

    Nodes are never told to reach them, so no link stands between.
    """

    linked = False
    question = "GET /-/ready"

    @staticmethod
    def url(host: str, port: int) -> str:
        """http://host:port."""
        return f"http://{host}:{port}"

    def answers(self, host: str, port: int, timeout_s: float = 1.0) -> bool:
        """Whether it says that it is ready."""
        return answers_200(host, port, "/-/ready", timeout_s)

    def reread(self) -> None:
        """Lets it read its files again. Raises FleetError, with what it said, when it refuses them."""
        self._ask("POST", "/-/reload")

    def _ask(self, method: str, path: str, **query: str) -> requests.Response:
        with requests.Session() as http:
            http.trust_env = False
            try:
                url = self.url(*self.address()) + path
                answer = http.request(method, url, params=query, timeout=_TAKES_WITHIN_S)
                answer.raise_for_status()
            except requests.RequestException as error:
                said = error.response.text if error.response is not None else ""
                raise FleetError(f"{self.name} did not do {method} {path}: {error} {said}") from error
        return answer


class PrometheusService(_Monitor):
    """One Prometheus server. Its first scrape comes 5 s after its start: so long its discovery waits."""

    kind = "prometheus"
    port = 9090
    limits = Limits(memory=256 * MIB, cpus=1, pids=64)
    command: ClassVar[list[str]] = [
        *("--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"),
        *("--web.enable-lifecycle", "--web.enable-admin-api"),
        # Else an Alertmanager that was away hears of an alert only a minute after its return.
        "--rules.alert.resend-delay=1s",
    ]
    setting = "PROMETHEUS_URL"

    def _emptied(self) -> object:
        """Deletes every series, and returns what there is of the time before."""
        everything = {"match[]": '{__name__!=""}'}
        now = self._ask("GET", "/api/v1/query", query="time()").json()["data"]["result"][1]
        self._ask("POST", "/api/v1/admin/tsdb/delete_series", end=now, **everything)
        return self._ask("GET", "/api/v1/query", query='{__name__!=""}', time=now).json()["data"]["result"]


class AlertmanagerService(_Monitor):
    """One Alertmanager, which is no part of a cluster."""

    kind = "alertmanager"
    port = 9093
    limits = Limits(memory=128 * MIB, cpus=1, pids=64)
    command: ClassVar[list[str]] = [
        *("--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"),
        "--cluster.listen-address=",
    ]
    setting = "ALERTMANAGER_URL"

    def _emptied(self) -> object:
        """Kills it, which keeps nothing for the first 15 minutes, and returns the silences that it has again."""
        self.get_wrapped_container().kill()
        self.start().wait_ready()
        return self._ask("GET", "/api/v2/silences").json()
