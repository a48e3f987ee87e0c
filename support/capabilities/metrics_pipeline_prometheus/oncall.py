"""Whoever is on call: what Prometheus makes of trouble, and what of it the receiver of alerts has accepted."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from hamcrest import assert_that, empty, has_length, starts_with

from support.capabilities.metrics_pipeline_prometheus.client import Alarm, Errand
from support.clients.alert_receiver_control import AlertReceiverControl, Notice
from support.errors import ProbeError
from support.polling import poll
from support.probes.prometheus import Active
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

_CALM_WITHIN_S = 15.0
A_MOMENT_S = 1.2  # a group is told of again 1 s later, if there is something to tell
_RAISED_FOR_S = 60.0
_SEEN_WITHIN_S = 5.0  # a node that has just been started
_OF_COUNTS = (Alarm.ERRORS, Alarm.ORDER_FAILED)  # which Prometheus knows of by scrapes that go well


class Trouble(NamedTuple):
    """An alarm, what customers came for where it is about that, and at which node where it is about one."""

    alarm: Alarm
    errand: Errand | None = None
    place: int = 0


DOWN = Trouble(Alarm.NODE_DOWN)
ALL_DOWN = Trouble(Alarm.SHOP_DOWN)


class OnCall:
    """What is told of trouble since nobody was being woken any more."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.receiver = world.opened(AlertReceiverControl.of(world.fleet, "alert-receiver"))
        self._began, self._mark = 0.0, 0

    def await_calm(self, *alarms: Alarm) -> None:
        """Returns when no alert of these kinds is left of an earlier scenario. Raises ProbeError."""
        names = {self._world.nodes[0].alarm(alarm)["alertname"] for alarm in alarms}
        if not poll(lambda: not self._named(names), _CALM_WITHIN_S):
            raise ProbeError(f"after {_CALM_WITHIN_S:g} s there still are {self._named(names)}")
        self._began, self._mark = time.time(), self.receiver.mark()

    def told(self, trouble: Trouble, firing: bool) -> list[Notice]:
        """What was accepted about it: that it fires, or that it is over."""
        labels = self._labels(trouble)
        return [
            notice
            for notice in self.receiver.notices(self._mark)
            if notice.firing is firing and labels <= notice.labels.items() and notice.started >= self._began
        ]

    def active(self, trouble: Trouble) -> list[Active]:
        """What Prometheus knows of it now."""
        return [one for one in self._world.prometheus.alerts() if self._labels(trouble) <= one.labels.items()]

    def pending(self, trouble: Trouble, after: float) -> list[float]:
        """When Prometheus found it pending since that moment, by its own record of that (seconds since the epoch)."""
        labels = {**self._world.nodes[trouble.place].alarm(trouble.alarm, trouble.errand), "alertstate": "pending"}
        wanted = ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items())
        found = self._world.prometheus.samples(f"ALERTS{{{wanted}}}", after)
        return sorted(at for samples in found.values() for at, _ in samples)

    def await_active(self, trouble: Trouble, firing: bool, within_s: float) -> Active:
        """What Prometheus knows once it is pending, or is `firing`. AssertionError when it is not in time."""
        found = poll(lambda: [one for one in self.active(trouble) if one.firing or not firing], within_s, 0.02)
        if not found and trouble.alarm in _OF_COUNTS:
            self._world.counts.expect_seen(within_s)
        must(found, f"for {within_s:g} s Prometheus has no alert of {trouble}; {self._world.prometheus.alerts()}")
        return found[0]

    def await_told(self, trouble: Trouble, firing: bool, within_s: float) -> Notice:
        """The first notice that it fires, or is over. AssertionError when there is none in time."""
        found = poll(lambda: self.told(trouble, firing), within_s)
        what = "fires" if firing else "is over"
        if not found and trouble.alarm in _OF_COUNTS:
            self._world.counts.expect_seen(within_s)
        must(found, f"for {within_s:g} s nobody was told that {trouble} {what}; Prometheus has {self.active(trouble)}")
        return found[0]

    def expect_once(self, trouble: Trouble) -> None:
        """Somebody was told once that it fires, with what to do, and of no other incident than that."""
        fired = self.told(trouble, firing=True)
        assert_that(fired, has_length(1), f"notices that {trouble} fires")
        incidents = {(notice.fingerprint, notice.started) for notice in (*fired, *self.told(trouble, firing=False))}
        assert_that(incidents, has_length(1), f"incidents of {trouble}")
        self._expect_runbook(fired[0])

    def expect_over_once(self, trouble: Trouble, within_s: float) -> None:
        """Within `within_s` somebody is told once that it is over, also a moment later."""
        self.await_told(trouble, firing=False, within_s=within_s)
        self._world.let_pass(A_MOMENT_S)
        assert_that(self.told(trouble, firing=False), has_length(1), f"notices that {trouble} is over")

    def expect_not_told(self, trouble: Trouble, firing: bool, for_s: float) -> None:
        """For `for_s` nobody is told of it."""
        poll(lambda: self.told(trouble, firing), for_s)
        assert_that(self.told(trouble, firing), empty(), f"notices that {trouble} {'fires' if firing else 'is over'}")

    def raise_all(self, troubles: Sequence[Trouble]) -> None:
        """Alertmanager is told of these, as Prometheus would do it by the target's rules, until `end_all`.

        By a label of their own they are others than those of which Prometheus says again and again that they are over.
        """
        rules, now = self._world.prometheus.alert_rules(), datetime.now(UTC)
        drill = {"drill": self._world.fresh("drill")}
        self._raised: list[dict[str, Any]] = []
        for one in troubles:
            own = dict(self._world.nodes[one.place].alarm(one.alarm, one.errand))
            must(own["alertname"] in rules, f"there is no rule for {one.alarm.name}: {sorted(rules)}")
            rule = rules[own["alertname"]]
            self._raised.append({
                "labels": {**rule.labels, **self._sight(one), **own, **drill},
                "annotations": dict(rule.annotations),
                "startsAt": now.isoformat(),
                "endsAt": (now + timedelta(seconds=_RAISED_FOR_S)).isoformat(),
            })  # fmt: skip
        self._world.closing.callback(self.end_all)
        self._world.alertmanager.tell(self._raised)

    def end_all(self) -> None:
        """What was raised is over."""
        over = datetime.now(UTC).isoformat()
        self._world.alertmanager.tell([{**one, "endsAt": over} for one in self._raised])

    def silence(self, trouble: Trouble, for_s: float) -> None:
        """An operator silences it."""
        now = datetime.now(UTC)
        name = self._world.alertmanager.silence(
            self._world.nodes[trouble.place].alarm(trouble.alarm, trouble.errand),
            now.isoformat(),
            (now + timedelta(seconds=for_s)).isoformat(),
        )
        self._world.closing.callback(self._world.alertmanager.end_silence, name)

    def _expect_runbook(self, notice: Notice) -> None:
        """It says what to do: a link that leads somewhere, and to where that of no other alarm does."""
        name = self._world.nodes[0].runbook()
        link = notice.annotations.get(name, "")
        where = urlsplit(link)
        assert_that(link, starts_with("http"), f"the runbook, of {notice.annotations}")
        must(where.path.strip("/") or where.query or where.fragment, f"the runbook of {notice.name} is nowhere: {link}")
        known = {one.annotations.get(name): one.name for one in self.receiver.notices() if one.name != notice.name}
        must(link not in known, f"{notice.name} and {known.get(link)} have the same runbook: {link}")

    def _sight(self, trouble: Trouble) -> dict[str, str]:
        """The labels that an alert about the sight of a node has by that."""
        if trouble.alarm is not Alarm.NODE_DOWN:
            return {}
        node = self._world.nodes[trouble.place]
        seen = poll(lambda: self._world.prometheus.ask(node.up()), _SEEN_WITHIN_S)
        if not seen:
            raise ProbeError(f"Prometheus has not looked at {node.name} within {_SEEN_WITHIN_S:g} s")
        return {name: value for name, value in seen[0].labels.items() if name != "__name__"}

    def _named(self, names: set[str]) -> list[Active]:
        return [one for one in self._world.prometheus.alerts() if one.labels["alertname"] in names]

    def _labels(self, trouble: Trouble) -> set[tuple[str, str]]:
        return set(self._world.nodes[trouble.place].alarm(trouble.alarm, trouble.errand).items())
