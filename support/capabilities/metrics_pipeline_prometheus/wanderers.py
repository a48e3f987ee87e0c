"""Scanners and mistakes: paths and methods without end, and what must not be found in the metrics after that."""

from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, less_than_or_equal_to, starts_with

from support.capabilities.metrics_pipeline_prometheus.client import Errand
from support.capabilities.metrics_pipeline_prometheus.lint import findings_of
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

_METHODS = ("GET", "POST", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "SEARCH", "PURGE")
_OF_NOBODY = ("PATCH", "PROPFIND", "SEARCH", "PURGE")  # methods by which nobody comes for anything


class Wanderers:
    """What they ask for, and what the metrics keep of it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._secrets: list[str] = []

    def wander(self, count: int) -> None:
        """`count` requests to the first node for paths that nobody has asked for before, by many methods.

        And some for what there is, by methods by which it is not there.
        """
        self._before = self._series()
        asked = [
            (_METHODS[number % len(_METHODS)], f"/{self._world.fresh('page')}/{number}") for number in range(count)
        ]
        there = [self._world.nodes[0].where(errand, self._world.fresh("page")) for errand in Errand]
        asked += [(method, path) for method in _OF_NOBODY for path in there]
        self._world.customers.wander(asked, 0)

    def confide(self) -> None:
        """Requests whose paths have secrets, quotes and line breaks in them."""
        self._secrets = [self._world.fresh("secret") for _ in range(4)]
        paths = ("{}%0A%22%5C", "nothing?password={}", '"{}"', "{}%0Aup%7Bjob=%22shop%22%7D%200")
        asked = [("GET", "/" + path.format(secret)) for secret, path in zip(self._secrets, paths, strict=True)]
        self._world.customers.wander(asked, 0)

    def expect_no_more_series(self, at_most: int) -> None:
        """The first node has at the most so many series more than before, by Prometheus."""
        self._world.counts.await_scrapes(self._world.customers.last + 0.1)
        assert_that(self._series() - self._before, less_than_or_equal_to(at_most), "series that are new")

    def expect_sound(self) -> None:
        """What each node tells is what Prometheus can read, says what it is, and has no fault that promtool knows."""
        for node in self._world.nodes:
            told = node.exposition()
            assert_that(told.content_type, starts_with("text/plain; version="), "what it is declared as")
            assert_that(findings_of(self._world.fleet, told.text), equal_to(""), "what promtool says of it")

    def expect_discreet(self) -> None:
        """None of the secrets is in it."""
        told = self._world.nodes[0].exposition().text
        for secret in self._secrets:
            must(secret not in told, f"{secret}, of a request, is in what the node tells whoever scrapes it")

    def _series(self) -> int:
        (up,) = self._world.prometheus.ask(self._world.nodes[0].up())
        own = ",".join(f'{name}="{value}"' for name, value in up.labels.items() if name != "__name__")
        (found,) = self._world.prometheus.ask(f"count({{{own}}})")
        return int(found.value)
