"""The budget of errors: windows of hours, which promtool lives through in a moment."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from hamcrest import assert_that, equal_to

from support.capabilities.metrics_pipeline_prometheus.client import Alarm, Errand, Outcome
from support.capabilities.metrics_pipeline_prometheus.lint import failures_of

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World


class _History(NamedTuple):
    """What happened, as promtool writes series of counters, a sample each minute, and the minute that is looked at.

    At the first node requests that went well, and errors; and what went well at the second one.
    """

    well: str
    errors: str
    minute: int
    elsewhere: str = "0+0x200"


_HISTORIES: Mapping[str, _History] = {
    "one request in 50 has failed for 90 minutes": _History("0+98x200", "0+2x200", 90),
    "one request in 100 has failed for 2 hours": _History("0+99x130", "0+1x130", 120),
    "one request in 2000 has failed for 2 hours": _History("0+1999x130", "0+1x130", 120),
    "one request in 20 has failed for 2 hours, at a node to which few come": _History(
        "0+95x130", "0+5x130", 120, "0+2000x130"
    ),
    "half of the requests failed for one minute": _History("0+100x118 11850+100x80", "0+0x118 50+0x80", 121),
    "half of them failed for 20 minutes, and none for 35": _History(
        "0+100x60 6050+50x19 7050+100x100",
        "0+0x60 50+50x19 1000+0x100",
        115,
    ),
}
_WOKEN = {"is woken": True, "is not woken": False}


class Budget:
    """What the target's own rules make of histories of hours."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._tests: list[dict[str, Any]] = []

    def live(self, histories: Mapping[str, str]) -> None:
        """The histories that sentences call so have happened, each of itself, and what somebody is to be then."""
        self._tests = [self._test(_HISTORIES[what], _WOKEN[fate]) for what, fate in histories.items()]

    def expect_as_said(self) -> None:
        """At the last minute of each the alert fires, or it does not."""
        self._try("1m", self._tests)

    def share(self, share: float, count: int, few: int) -> None:
        """That `share` of `count` requests a second to the first node fails, and none of `few` to the second.

        Half of those few are refused, which is no failure of the shop's.
        """
        first, second = self._world.nodes
        failed = round(share * count)
        self._series = [
            {"series": first.series(Errand.LOOK, Outcome.SERVED), "values": f"0+{count - failed}x20"},
            {"series": first.series(Errand.LOOK, Outcome.CRASHED), "values": f"0+{failed}x20"},
            {"series": second.series(Errand.LOOK, Outcome.SERVED), "values": f"0+{few - few // 2}x20"},
            {"series": second.series(Errand.LOOK, Outcome.REFUSED), "values": f"0+{few // 2}x20"},
            {"series": second.series(Errand.LOOK, Outcome.CRASHED), "values": "0+0x20"},
        ]

    def expect_shown(self, share: float) -> None:
        """The recorded share of errors is `share`, to a thousandth."""
        shown = f"round(sum({self._world.nodes[0].share_of_errors(Errand.LOOK)}) * 1000)"
        self._try("500ms", [_asked("500ms", self._series, shown, "10s", round(share * 1000))])

    def _test(self, history: _History, woken: bool) -> dict[str, Any]:
        node, other = self._world.nodes
        series = [
            {"series": node.series(Errand.LOOK, Outcome.SERVED), "values": history.well},
            {"series": node.series(Errand.LOOK, Outcome.CRASHED), "values": history.errors},
            {"series": other.series(Errand.LOOK, Outcome.SERVED), "values": history.elsewhere},
            {"series": other.series(Errand.LOOK, Outcome.CRASHED), "values": "0+0x200"},
        ]
        alert = node.alarm(Alarm.BUDGET_BURNS)["alertname"]
        firing = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'
        return _asked("1m", series, firing, f"{history.minute}m", 1 if woken else None)

    def _try(self, every: str, tests: list[dict[str, Any]]) -> None:
        said = failures_of(self._world.fleet, {"evaluation_interval": every, "tests": tests})
        assert_that(said, equal_to(""), "what promtool says of the rules")


def _asked(every: str, series: list[dict[str, str]], expr: str, at: str, value: float | None) -> dict[str, Any]:
    """A test of promtool: the `series` with a sample each `every`, and what `expr` is `at` that time; None: nothing."""
    expected = [] if value is None else [{"labels": "{}", "value": value}]
    asked = {"expr": expr, "eval_time": at, "exp_samples": expected}
    return {"interval": every, "input_series": series, "promql_expr_test": [asked]}
