"""What the suite relies on of each kind of store, beside what it does of all: questions, and what the answers hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
from docker.errors import DockerException

from support.containers.jaeger import JaegerService
from support.containers.prometheus import PrometheusService
from support.containers.provider import ProviderService
from support.containers.redis import RedisDurableService, RedisService
from support.containers.redis_cluster import RedisClusterService
from support.containers.service import Store
from support.errors import FleetError, ProbeError

Question = Sequence[Any]  # the words of its own client, run inside; or those of HTTP: "POST", path, body, port
_HTTP = ("GET", "POST", "PUT")
_ANSWERS_WITHIN_S = 10.0


@dataclass(frozen=True)
class Relied:
    """`put` brings data in, and `there` is in the answer to `ask` while it is there; `keeps`: also after a kill.

    `told` pairs a question with what its answer holds when the command and the environment were taken. `files` are its
    files (name -> path), and the answer to `read` holds the name in them. None and nothing: nobody relies on it.
    """

    ask: Question
    there: str
    put: Question = ()
    keeps: bool | None = None
    told: Sequence[tuple[Question, str]] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    read: Question = ()


def answer_of(store: Store, question: Question) -> str:
    """What `store` answers. FleetError and ProbeError, with its words, where it does not or cannot."""
    return _by_http(store, *question) if question[0] in _HTTP else _inside(store, question)


def files(name: str) -> dict[str, bytes]:
    """Files that speak of `name`: for Prometheus a rule that makes a series, for Alertmanager a receiver."""
    return {
        "prometheus.yml": b"global: { evaluation_interval: 500ms }\nrule_files: [rules.yml]\n",
        "rules.yml": f"groups: [{{ name: {name}, rules: [{{ record: {name}, expr: vector(1) }}] }}]\n".encode(),
        "alertmanager.yml": f"route: {{ receiver: {name} }}\nreceivers: [{{ name: {name} }}]\n".encode(),
    }


def _by_http(store: Store, method: str, path: str, body: object = None, port: int | None = None) -> str:
    with requests.Session() as http:
        http.trust_env = False
        try:
            url = store.url(*store.address(port)) + path
            answer = http.request(method, url, json=body, timeout=_ANSWERS_WITHIN_S)
        except requests.RequestException as error:
            raise ProbeError(f"it did not answer {method} {path}: {error}") from error
    if method != "GET" and not answer.ok:
        raise ProbeError(f"it answered {method} {path} by {answer.status_code}: {answer.text}")
    return answer.text


def _inside(store: Store, words: Sequence[str]) -> str:
    try:
        done = store.exec(list(words))
    except DockerException as error:
        raise FleetError(f"{words[0]} could not be run inside: {error}") from error
    said = str(done.output.decode(errors="replace"))
    if done.exit_code:
        raise FleetError(f"{' '.join(words)} ended with {done.exit_code}: {said}")
    return said


def _redis(store: type[RedisService], keeps: bool | None) -> Relied:
    options = list(zip((store.command or [])[1::2], (store.command or [])[2::2], strict=True))
    told = [(("redis-cli", "CONFIG", "GET", name[2:]), f"{name[2:]}\n{value}\n") for name, value in options]
    client = ("redis-cli", "-c")
    return Relied((*client, "GET", "kept"), "yes", (*client, "SET", "kept", "yes"), keeps, told)


def _flags() -> Iterator[tuple[Question, str]]:
    for word in PrometheusService.command:
        name, _, value = word.removeprefix("--").partition("=")
        yield ("GET", "/api/v1/status/flags"), f'"{name}":"{value or "true"}"'


_SQL = ("psql", "-U", "postgres", "-qtAc")
_SILENCE = {
    "matchers": [{"name": "alertname", "value": "kept", "isRegex": False}],
    "startsAt": "2020-01-01T00:00:00Z",
    "endsAt": "2100-01-01T00:00:00Z",
    "createdBy": "l3",
    "comment": "kept",
}
_SPAN = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "kept", "kind": 2}
_TIMES = {"startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000001000000000"}
_NAMED = {"attributes": [{"key": "service.name", "value": {"stringValue": "kept"}}]}
_TRACE = {"resourceSpans": [{"resource": _NAMED, "scopeSpans": [{"spans": [_SPAN | _TIMES]}]}]}
RELIED = {
    "redis": _redis(RedisService, keeps=False),
    "redis-durable": _redis(RedisDurableService, keeps=True),
    "redis-cluster": _redis(RedisClusterService, keeps=None),
    "postgres": Relied(
        put=(*_SQL, "CREATE TABLE kept AS SELECT 1"),
        ask=(*_SQL, "SELECT to_regclass('kept')"),
        there="kept",
        keeps=True,
        told=[((*_SQL, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'"), "C.UTF-8")],
    ),
    "clickhouse": Relied(
        put=(
            *("clickhouse-client", "--multiquery", "--query"),
            "CREATE TABLE kept (a Int8) ENGINE = MergeTree ORDER BY a; INSERT INTO kept VALUES (1)",
        ),
        ask=("clickhouse-client", "--query", "SELECT table FROM system.parts WHERE active AND table = 'kept'"),
        there="kept",
        keeps=True,
    ),
    "consul": Relied(
        put=("PUT", "/v1/agent/service/register", {"Name": "kept"}),
        ask=("GET", "/v1/agent/services"),
        there='"kept"',
        keeps=False,
    ),
    "prometheus": Relied(
        ask=("GET", "/api/v1/query?query=given"),
        there='"given"',
        told=list(_flags()),
        files={"prometheus.yml": "/etc/prometheus/prometheus.yml", "rules.yml": "/etc/prometheus/rules.yml"},
        read=("GET", "/api/v1/rules"),
    ),
    "alertmanager": Relied(
        put=("POST", "/api/v2/silences", _SILENCE),
        ask=("GET", "/api/v2/silences"),
        there='"kept"',
        keeps=False,
        told=[(("GET", "/api/v2/status"), '"status":"disabled"')],
        files={"alertmanager.yml": "/etc/alertmanager/alertmanager.yml"},
        read=("GET", "/api/v2/receivers"),
    ),
    "jaeger": Relied(
        put=("POST", "/v1/traces", _TRACE),
        ask=("GET", "/api/services", None, JaegerService.query_port),
        there='"kept"',
        keeps=False,
    ),
    "upstream": Relied(
        put=("GET", "/kept"), ask=("GET", "/meter", None, ProviderService.control_port), there="/kept", keeps=False
    ),
}
