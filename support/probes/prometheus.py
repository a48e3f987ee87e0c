"""What Prometheus and Alertmanager know: the second place from which everything here is seen."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from support.clients.alert_receiver_control import seconds
from support.containers.fleet import Fleet
from support.errors import ProbeError

_ANSWERS_WITHIN_S = 5.0


@dataclass(frozen=True)
class Sample:
    """A series by its labels, and its value."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Active:
    """An alert that is pending or firing, and since when its condition has held (seconds since the epoch)."""

    labels: Mapping[str, str]
    firing: bool
    since: float


@dataclass(frozen=True)
class AlertRule:
    """What every alert of a rule says besides the labels of what it is about; annotations as templates."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class Prometheus:
    """Prometheus's own word. Every call raises ProbeError when it gives no answer."""

    def __init__(self, fleet: Fleet) -> None:
        # Loaded here: who plans a run does not wait for it.
        from prometheus_api_client import PrometheusConnect

        service = fleet.stores["prometheus"]
        self._url = service.url(*service.address())
        self._http = requests.Session()
        self._http.trust_env = False
        self._client: PrometheusConnect = PrometheusConnect(self._url, session=self._http, timeout=_ANSWERS_WITHIN_S)

    def ask(self, query: str, at: float | None = None) -> list[Sample]:
        """The instant vector that `query` gives at the moment `at`, by default now."""
        rows = self._rows(query, {} if at is None else {"time": f"{at:.3f}"})
        return [Sample(row["metric"], float(row["value"][1])) for row in rows]

    def samples(self, selector: str, after: float) -> dict[Mapping[str, str], list[tuple[float, float]]]:
        """What each of the series has been since `after`: when, in seconds since the epoch, and the value."""
        now = time.time()  # said, so that a question that comes late is still about the same time
        rows = self._rows(f"{selector}[{(now - after) * 1000:.0f}ms]", {"time": f"{now:.3f}"})
        return {_Labels(row["metric"]): [(float(at), float(value)) for at, value in row["values"]] for row in rows}

    def alerts(self) -> list[Active]:
        """The alerts that are pending or firing."""
        answer = self._get("/api/v1/alerts")["alerts"]
        return [Active(one["labels"], one["state"] == "firing", seconds(one["activeAt"])) for one in answer]

    def alert_rules(self) -> dict[str, AlertRule]:
        """The rules that raise alerts, by the alerts' names."""
        groups = self._get("/api/v1/rules?type=alert")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        return {rule["name"]: AlertRule(rule["labels"], rule["annotations"]) for rule in rules}

    def _rows(self, query: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        from prometheus_api_client.exceptions import PrometheusApiClientException

        try:
            return list(self._client.custom_query(query, dict(params)))
        except (PrometheusApiClientException, requests.RequestException) as error:
            raise ProbeError(f"Prometheus gave no answer to {query}: {error}") from error

    def _get(self, path: str) -> Any:
        try:
            answer = self._http.get(self._url + path, timeout=_ANSWERS_WITHIN_S)
            answer.raise_for_status()
            return answer.json()["data"]
        except (requests.RequestException, ValueError, KeyError) as error:
            raise ProbeError(f"Prometheus gave no answer to GET {path}: {error}") from error

    def close(self) -> None:
        """Gives the connections back."""
        self._http.close()


class _Labels(dict[str, str]):
    """Labels as a key."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


class Alertmanager:
    """What an operator does there. Every call raises ProbeError when it gives no answer."""

    def __init__(self, fleet: Fleet) -> None:
        service = fleet.stores["alertmanager"]
        self._url = service.url(*service.address())

    def silence(self, labels: Mapping[str, str], began: str, ends: str) -> str:
        """Silences the alerts that have all of `labels`, from one moment to another (RFC 3339); its name."""
        matchers = [{"name": name, "value": value, "isRegex": False} for name, value in labels.items()]
        said = {"matchers": matchers, "startsAt": began, "endsAt": ends, "createdBy": "an operator", "comment": "work"}
        return str(self._ask("POST", "/api/v2/silences", said)["silenceID"])

    def tell(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Says what Prometheus would say: alerts of labels and annotations, from startsAt to endsAt (RFC 3339)."""
        self._ask("POST", "/api/v2/alerts", alerts)

    def end_silence(self, name: str) -> None:
        """Takes a silence back."""
        self._ask("DELETE", f"/api/v2/silence/{name}")

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        with requests.Session() as http:
            http.trust_env = False
            try:
                answer = http.request(method, self._url + path, json=body, timeout=_ANSWERS_WITHIN_S)
                answer.raise_for_status()
            except requests.RequestException as error:
                raise ProbeError(f"Alertmanager gave no answer to {method} {path}: {error}") from error
        return answer.json() if answer.content else None
