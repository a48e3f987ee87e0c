"""What the tests of the containers share: a real engine, real images, small fleets that are gone afterwards."""

import fcntl
import signal
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker
import pytest

from support.containers import labels, sweep
from support.containers.engine import connect
from support.containers.fleet import STORES, Fleet, Order, fetch_images
from support.containers.layout import Layout
from support.errors import SuiteError
from support.images.resolution import Image

BUDGET = 8 * 1024**3

# A shell lets what it starts in the background ignore Ctrl-C, and so would all that is started here.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def client() -> docker.DockerClient:
    """A client of the engine."""
    return connect()


@pytest.fixture(scope="session")
def images(client: docker.DockerClient) -> Mapping[str, Image]:
    """The images of the services that small fleets are made of."""
    return fetch_images([*STORES, "toxiproxy"], client, print)


@pytest.fixture
def run(client: docker.DockerClient) -> Iterator[str]:
    """The id of a run of this test's own; all of it is removed afterwards."""
    with a_run(client) as name:
        yield name


@pytest.fixture
def make_fleet(client: docker.DockerClient, images: Mapping[str, Image], run: str) -> Callable[..., Fleet]:
    """Makes a fleet that is not started: make_fleet("redis", "toxiproxy", capability=..., budget=..., settings=...)."""

    def make(*kinds: str, **changes: Any) -> Fleet:
        return small_fleet(client, kinds, **{"run": run, "images": images} | changes)

    return make


@pytest.fixture(scope="session")
def standing(client: docker.DockerClient, images: Mapping[str, Image]) -> Iterator["Standing"]:
    """The fleet that several tests use one after the other."""
    with a_run(client) as name:
        yield Standing(lambda: small_fleet(client, ("redis", "toxiproxy"), run=name, images=images))


@pytest.fixture
def fleet(standing: "Standing") -> Iterator[Fleet]:
    """A started fleet of a Redis behind a Toxiproxy, sound and empty. What a test leaves otherwise, none gets."""
    yield standing.get()
    standing.look()


class Standing:
    """A fleet that stands for as long as it is sound; when it is not, the next test gets a new one."""

    def __init__(self, make: Callable[[], Fleet]) -> None:
        self._make = make
        self._fleet: Fleet | None = None

    def get(self) -> Fleet:
        """The fleet, started."""
        if self._fleet is None:
            self._fleet = self._make()
            self._fleet.start()
        return self._fleet

    def look(self) -> None:
        """Empties the fleet, or gives it up."""
        fleet = self.get()
        try:
            sound = _is_sound(fleet)
        except SuiteError:
            sound = False
        if not sound:
            self._fleet = None
            fleet.stop()


def _is_sound(fleet: Fleet) -> bool:
    assert fleet.toxiproxy
    links = fleet.toxiproxy.call("GET", "/proxies").values()
    for store in fleet.stores.values():
        store.empty()
    return not fleet.casualties() and all(link["enabled"] and not link["toxics"] for link in links)


@contextmanager
def a_run(client: docker.DockerClient) -> Iterator[str]:
    """A run's id, of which nothing is left afterwards."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    try:
        yield name
    finally:
        sweep.remove(client, f"{labels.RUN}={name}", lambda owner: True)


def small_fleet(client: docker.DockerClient, kinds: tuple[str, ...], **order: Any) -> Fleet:
    """A fleet of `kinds` that is not started; `order` has at least its run and its images."""
    usual: dict[str, Any] = {"capability": "small", "layout": Layout(), "settings": {}, "budget": BUDGET}
    return Fleet(client, Order(kinds=kinds, **usual | order), print)


# Who runs beside whom


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, so that nobody waits for it in the end; what needs the machine alone comes last."""
    for item in items:
        if item.get_closest_marker("alone"):
            item.add_marker(pytest.mark.xdist_group("alone"))
    items.sort(key=lambda item: 2 if item.get_closest_marker("alone") else not item.get_closest_marker("long"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Tests run side by side, but for one that judges time or what is on the machine: it runs when no other does."""
    with open(__file__) as file:
        fcntl.flock(file, fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH)
        return (yield)
