"""Prometheus and Alertmanager, which work by files of the target's: what is scraped, the rules, whom to tell."""

from typing import ClassVar

import requests

from support.containers.http import answers_200
from support.containers.service import MIB, Limits, Store
from support.errors import FleetError
from support.polling import poll

_TAKES_WITHIN_S = 10.0
_SCRAPED_WITHIN_S = 2.0


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
        """Deletes every series and forgets every alert, and returns what series there are of the time before.

        A scrape that is under way is stored as of its beginning, so that there may be one again.
        """
        self._forget_alerts()
        now = self._ask("GET", "/api/v1/query", query="time()").json()["data"]["result"][1]
        poll(lambda: not self._left(now), _SCRAPED_WITHIN_S)
        return self._left(now)

    def _left(self, until: str) -> object:
        """Deletes every series until that moment, and returns what there is of it all the same."""
        everything = {"match[]": '{__name__!=""}'}
        self._ask("POST", "/api/v1/admin/tsdb/delete_series", end=until, **everything)
        return self._ask("GET", "/api/v1/query", query='{__name__!=""}', time=until).json()["data"]["result"]

    def _forget_alerts(self) -> None:
        """Takes every rule away, until its file is given again, and with it the alerts that there have been.

        An alert that is over is told to Alertmanager for 15 minutes more, which so would know of it at once.
        """
        groups = self._ask("GET", "/api/v1/rules").json()["data"]["groups"]
        self.put({group["file"]: b"groups: []\n" for group in groups})
        self.reread()


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
