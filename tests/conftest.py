"""What the tests of the containers share: a real engine, real images, small fleets that are gone afterwards."""

import signal
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import docker
import pytest

from support.containers import labels, sweep
from support.containers.engine import connect
from support.containers.fleet import STORES, Fleet, Order, fetch_images
from support.containers.layout import Layout
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
    name = f"test-{uuid.uuid4().hex[:8]}"
    yield name
    sweep.remove(client, f"{labels.RUN}={name}", lambda owner: True)


@pytest.fixture
def make_fleet(client: docker.DockerClient, images: Mapping[str, Image], run: str) -> Callable[..., Fleet]:
    """Makes a fleet that is not started: make_fleet("redis", "toxiproxy", capability=..., budget=..., settings=...)."""

    def make(*kinds: str, **changes: Any) -> Fleet:
        order: dict[str, Any] = {
            "run": run,
            "capability": "small",
            "images": images,
            "layout": Layout(),
            "settings": {},
            "budget": BUDGET,
        } | changes
        return Fleet(client, Order(kinds=kinds, **order), print)

    return make


@pytest.fixture
def fleet(make_fleet: Callable[..., Fleet]) -> Fleet:
    """A started fleet of a Redis behind a Toxiproxy."""
    made = make_fleet("redis", "toxiproxy")
    made.start()
    return made
