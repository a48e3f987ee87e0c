"""Whoever is on call: what Prometheus makes of trouble, and what of it the receiver of alerts has accepted."""

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

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
        words = fired[0].annotations
        assert_that(words.get(self._world.nodes[0].runbook(), ""), starts_with("http"), f"the runbook, of {words}")

    def expect_over_once(self, trouble: Trouble, within_s: float) -> None:
        """Within `within_s` somebody is told once that it is over, also a moment later."""
        self.await_told(trouble, firing=False, within_s=within_s)
        self._world.let_pass(1.2)  # a group is told of again 1 s later, if there is something to tell
        assert_that(self.told(trouble, firing=False), has_length(1), f"notices that {trouble} is over")

    def expect_not_told(self, trouble: Trouble, firing: bool, for_s: float) -> None:
        """For `for_s` nobody is told of it."""
        poll(lambda: self.told(trouble, firing), for_s)
        assert_that(self.told(trouble, firing), empty(), f"notices that {trouble} {'fires' if firing else 'is over'}")

    def silence(self, trouble: Trouble, for_s: float) -> None:
        """An operator silences it."""
        now = datetime.now(UTC)
        name = self._world.alertmanager.silence(
            self._world.nodes[trouble.place].alarm(trouble.alarm, trouble.errand),
            now.isoformat(),
            (now + timedelta(seconds=for_s)).isoformat(),
        )
        self._world.closing.callback(self._world.alertmanager.end_silence, name)

    def _named(self, names: set[str]) -> list[Active]:
        return [one for one in self._world.prometheus.alerts() if one.labels["alertname"] in names]

    def _labels(self, trouble: Trouble) -> set[tuple[str, str]]:
        return set(self._world.nodes[trouble.place].alarm(trouble.alarm, trouble.errand).items())
