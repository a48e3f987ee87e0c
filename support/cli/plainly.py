"""The containers of a fleet made once more, by plain calls of the engine: nobody could start them in much less."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import docker

from support.containers.fleet import Fleet
from support.containers.platform import Node
from support.containers.service import Service
from support.errors import FleetError
from support.polling import poll


@dataclass(frozen=True)
class Described:
    """A container as the engine describes it: enough to make the same again."""

    service: Service
    name: str
    config: dict[str, Any]


def describe(client: docker.DockerClient, fleet: Fleet) -> list[Described]:
    """The containers of a fleet that stands."""
    return [_described(client, service) for service in fleet.services]


def start(client: docker.DockerClient, fleet: Fleet, containers: Sequence[Described]) -> float:
    """Makes and starts `containers` again, whose fleet is gone: side by side, nodes when what they need is ready.

    Returns the seconds until each has answered the question that its fleet asks, asked as often. Raises FleetError.
    """
    nodes = [one for one in containers if isinstance(one.service, Node)]
    services = [one for one in containers if one not in nodes]
    began = time.monotonic()
    with ThreadPoolExecutor(len(containers)) as pool:
        _make_network(client, containers[0])
        made = [pool.submit(_make, client, one) for one in nodes]
        ready = [pool.submit(_make_ready, client, one) for one in services]
        for future in [*made, *ready]:
            future.result()
        fleet.connect_services()
        for future in [pool.submit(_start, client, one) for one in nodes]:
            future.result()
    return time.monotonic() - began


def _described(client: docker.DockerClient, service: Service) -> Described:
    found = client.api.inspect_container(service.get_container_id())
    ((network, endpoint),) = found["NetworkSettings"]["Networks"].items()
    config = found["Config"] | {
        "HostConfig": found["HostConfig"],
        "NetworkingConfig": {"EndpointsConfig": {network: {"Aliases": endpoint["Aliases"]}}},
    }
    del config["Hostname"]  # the engine's own: the container's id
    return Described(service, found["Name"].lstrip("/"), config)


def _make_network(client: docker.DockerClient, one: Described) -> None:
    (name,) = one.config["NetworkingConfig"]["EndpointsConfig"]
    client.api.create_network(name, labels=one.config["Labels"])


def _make(client: docker.DockerClient, one: Described) -> None:
    made = client.api.create_container_from_config(one.config, one.name)  # type: ignore[no-untyped-call]
    one.service.get_wrapped_container().attrs["Id"] = made["Id"]


def _start(client: docker.DockerClient, one: Described) -> None:
    client.api.start(one.name)
    host, port = one.service.address()
    if not poll(lambda: one.service.answers(host, port), one.service.ready_within_s):
        raise FleetError(f"{one.name} did not start by plain calls: {one.service.plight()}")


def _make_ready(client: docker.DockerClient, one: Described) -> None:
    _make(client, one)
    _start(client, one)
