"""Background jobs of the reference platform: its routes, its statuses, its table of effects, its key in Redis."""

import datetime
import json
import pickle
from collections.abc import Mapping
from typing import Any
from urllib.request import urlopen

from support.capabilities.background_jobs_redis_queue.client import (
    Answer,
    Job,
    Kind,
    Mistake,
    Outcome,
    Priority,
    Report,
    State,
)
from support.clients.node_client import NodeClient
from support.platforms.platform import Door
from support.promise import broken

_AT_ONCE = 60
_KINDS = {Kind.CALL: "call", Kind.IN_STEPS: "steps", Kind.END_ITS_PROCESS: "crash"}
_PRIORITIES = {Priority.HIGH: "high", Priority.NORMAL: "normal", Priority.LOW: "low"}
_STATES = {
    "waiting": State.OPEN,
    "running": State.OPEN,
    "done": State.DONE,
    "dead": State.PUT_ASIDE,
    "cancelled": State.CANCELLED,
}
_OUTCOMES = {
    201: Outcome.TAKEN,
    202: Outcome.TAKEN,
    204: Outcome.TAKEN,
    409: Outcome.DUPLICATE,
    413: Outcome.REFUSED,
    422: Outcome.REFUSED,
}
_MISTAKES: Mapping[Mistake, Mapping[str, Any]] = {
    Mistake.UNKNOWN_KIND: {"kind": "os.system"},
    Mistake.NO_SUCH_DATE: {"at": "2027-02-30T10:00:00+00:00"},
    Mistake.NEGATIVE_DELAY: {"delay_s": -1},
    Mistake.PAST_MOMENT: {"at": "2020-01-01T00:00:00+00:00"},
    Mistake.NEGATIVE_LIMIT: {"timeout_s": -1},
    Mistake.AFTER_NOTHING: {"after": "no-such-job"},
    Mistake.NO_LABEL: {"payload": {}},
    Mistake.UNKNOWN_PRIORITY: {"priority": "highest"},
    Mistake.ENDLESS_DELAY: {"delay_s": 10**400},
}
_INTERVALS = {Mistake.EVERY_NOTHING: "0", Mistake.EVERY_INSTANT: "0.0001", Mistake.EVERY_ETERNITY: "1e400"}


class _Hostile:
    """Whoever unpickles it calls the service."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __reduce__(self) -> tuple[Any, ...]:
        return urlopen, (self._url,)


class Adapter(NodeClient):
    """One node, by HTTP."""

    def __init__(self, door: Door) -> None:
        super().__init__(door, at_once=_AT_ONCE)
        self._service = door.environment.get("UPSTREAM_URL", "")

    def enqueue(self, job: Job) -> Answer:
        """POST; 202, 409 or 422."""
        said: dict[str, Any] = {
            "kind": _KINDS[job.kind],
            "payload": {"label": job.label},
            "priority": _PRIORITIES[job.priority],
            "delay_s": job.delay_s,
        }
        at = job.at and job.at.isoformat()
        more = {"at": at, "unique": job.unique, "after": job.after, "timeout_s": job.timeout_s}
        return self._handed_in(said | {name: value for name, value in more.items() if value is not None})

    def offer(self, mistake: Mistake, label: str) -> Answer:
        """The same with something wrong in it."""
        if mistake is Mistake.HOSTILE_PICKLE:
            body = pickle.dumps(_Hostile(f"{self._service}/{label}"))
            status = self._http.post(f"{self._url}/jobs", data=body, timeout=10).status_code
            return Answer(_OUTCOMES.get(status) or broken(f"{self.name} answered a pickle by {status}"))
        if mistake in _INTERVALS:
            schedule = f'{{"every_s": {_INTERVALS[mistake]}, "label": "{label}"}}'
            status = self.ask("PUT", f"/schedules/{label}", schedule.encode()).status_code
            return Answer(_OUTCOMES.get(status) or broken(f"{self.name} answered a schedule by {status}"))
        said: dict[str, Any] = {"kind": "call", "payload": {"label": label}}
        if mistake is Mistake.TOO_LARGE:
            large = said | {"payload": {"label": label, "note": "α" * 40_000}}
            return self._handed_in(json.dumps(large, ensure_ascii=False).encode())
        return self._handed_in({**said, **_MISTAKES[mistake]})

    def _handed_in(self, said: Mapping[str, Any] | bytes) -> Answer:
        answer = self.ask("POST", "/jobs", said)
        if answer.status_code not in _OUTCOMES:
            broken(f"{self.name} answered a job by {answer.status_code}: {answer.text}")
        outcome = _OUTCOMES[answer.status_code]
        return Answer(outcome, str(answer.json()["job"]) if outcome is Outcome.TAKEN else None)

    def order(self, reference: str, label: str) -> Outcome:
        """POST; 201 or 409."""
        answer = self.ask("POST", "/orders", {"reference": reference, "label": label})
        if answer.status_code not in _OUTCOMES:
            broken(f"{self.name} answered an order by {answer.status_code}: {answer.text}")
        return _OUTCOMES[answer.status_code]

    def report(self, job: str) -> Report:
        """GET; 404 when it is forgotten."""
        answer = self.ask("GET", f"/jobs/{job}")
        if answer.status_code == 404:
            return Report(State.FORGOTTEN)
        said = self.expect(answer, 200, "state", "tries", "progress", "error")
        return Report(_STATES[said["state"]], said["tries"], said["progress"], said["error"])

    def requeue(self, job: str) -> bool:
        """POST; 204 or 409."""
        return self._agreed("POST", f"/jobs/{job}/requeue")

    def cancel(self, job: str) -> bool:
        """DELETE; 204 or 409."""
        return self._agreed("DELETE", f"/jobs/{job}")

    def _agreed(self, method: str, path: str) -> bool:
        answer = self.ask(method, path)
        if answer.status_code not in (204, 409):
            broken(f"{self.name} answered {method} {path} by {answer.status_code}: {answer.text}")
        return answer.status_code == 204

    def every(self, interval_s: float, label: str) -> None:
        """PUT of a schedule that goes by the label."""
        self.expect(self.ask("PUT", f"/schedules/{label}", {"every_s": interval_s, "label": label}), 204)

    def stop(self, label: str) -> None:
        """DELETE of that."""
        self.expect(self.ask("DELETE", f"/schedules/{label}"), 204)

    def next_runs(self, cron: str, zone: str, after: datetime.datetime, count: int) -> list[datetime.datetime]:
        """The preview of a schedule."""
        said = {"cron": cron, "zone": zone, "after": after.isoformat(), "count": count}
        runs = self.expect(self.ask("POST", "/schedules/preview", said), 200, "runs")["runs"]
        return [datetime.datetime.fromisoformat(moment) for moment in runs]

    def effects(self) -> str:
        """The rows that are done; a run's fence is its number."""
        return "SELECT label, done AS by_try FROM job_effects WHERE done IS NOT NULL"

    def due(self) -> str:
        """The sorted set has both."""
        return "return redis.call('ZRANGE', 'due', 0, -1, 'WITHSCORES')"
