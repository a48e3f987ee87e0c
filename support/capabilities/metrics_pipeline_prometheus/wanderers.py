"""Scanners and mistakes: paths and methods without end, and what must not be found in the metrics after that."""

from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, less_than_or_equal_to, starts_with

from support.capabilities.metrics_pipeline_prometheus.client import SOLD, Errand
from support.capabilities.metrics_pipeline_prometheus.customers import Page
from support.capabilities.metrics_pipeline_prometheus.lint import findings_of
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World

_METHODS = ("GET", "POST", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "SEARCH", "PURGE")
_LINKS = 10
_TELLING = ("{}%0A%22%5C", "nothing?password={}", '"{}"', "{}%0Aup%7Bjob=%22shop%22%7D%200")  # paths with a secret
_HEADERS = ("Cookie", "User-Agent", "Referer", "X-Forwarded-For", "X-Request-Id", "Accept-Language", "Traceparent")


class Wanderers:
    """What they ask for, and what the metrics keep of it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._secrets: list[str] = []

    def wander(self, count: int) -> None:
        """`count` requests to the first node for paths that nobody has asked for before, by many methods.

        And some for what there is, by methods by which it is not there, for what is beside it, and by many links.
        """
        self._before = self._series()
        paths = [
            (_METHODS[number % len(_METHODS)], f"/{self._world.fresh('page')}/{number}") for number in range(count)
        ]
        asked = [Page(0, Errand.NOTHING, *one) for one in paths]
        asked += self._world.visits.beside(0, self._world.fresh("page"))
        asked += [page for _ in range(_LINKS) for page in self._links(0, self._world.fresh("link"))]
        self._world.customers.come_by(asked)

    def confide(self) -> None:
        """Requests to both nodes with secrets wherever a request has place for one, and line breaks in paths."""
        for place, node in enumerate(self._world.nodes):
            paths = [(path, self._secret()) for path in _TELLING]
            asked = [Page(place, Errand.NOTHING, "GET", "/" + path.format(secret)) for path, secret in paths]
            asked += self._links(place, self._secret())
            told = {header: self._secret() for header in _HEADERS}
            asked.append(Page(place, Errand.LOOK, "GET", node.where(Errand.LOOK, self._secret()), told))
            self._world.customers.come_by(asked)
            for errand in SOLD:
                self._world.customers.come(1, errand, place, self._secret())
            self._secrets.append(node.customer)

    def _links(self, place: int, secret: str) -> list[Page]:
        """Links to what there is, with a query such as signed links have."""
        node = self._world.nodes[place]
        return [
            Page(place, errand, method, f"{node.where(errand, self._world.fresh('order'))}?signature={secret}")
            for errand, method in ((Errand.LOOK, "GET"), (Errand.LOOK, "HEAD"), (Errand.EXPORT, "GET"))
        ]

    def _secret(self) -> str:
        self._secrets.append(self._world.fresh("secret"))
        return self._secrets[-1]

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
        for node in self._world.nodes:
            told = node.exposition().text
            for secret in self._secrets:
                must(secret not in told, f"{secret}, of a request, is in what {node.name} tells whoever scrapes it")

    def _series(self) -> int:
        (up,) = self._world.counts.known(0, self._world.nodes[0].up())
        own = ",".join(f'{name}="{value}"' for name, value in up.labels.items() if name != "__name__")
        (found,) = self._world.counts.known(0, f"count({{{own}}})")
        return int(found.value)
