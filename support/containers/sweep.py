"""Removal of containers and networks by label: for a run that ends, for the guard, and for what dead runs left."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker
from docker.errors import APIError, DockerException, NotFound

from support.containers import labels
from support.errors import EngineError
from support.origin import words

Thing = Mapping[str, Any]  # what the engine's listing says of one container or network


def remove_dead(client: docker.DockerClient) -> list[str]:
    """Removes what dead runs left, of any clone on this host; returns the names.

    Containers of a live run, and those of which nothing is known, are not touched. Raises EngineError as `remove`.
    """
    return remove(client, labels.RUN, labels.owner_is_dead)


def remove_orphans(client: docker.DockerClient) -> list[str]:
    """Removes what has an owner of which nothing certain is known; returns the names. Raises EngineError as `remove`.

    Whoever asks for that knows that no run goes on elsewhere.
    """
    return remove(client, labels.RUN, labels.owner_is_unknown)


def containers(client: docker.DockerClient, label: str) -> list[Thing]:
    """The engine's listing of all containers with `label`, running or not: one request, whatever their number."""
    return list(client.api.containers(all=True, filters={"label": label}))


def name_of(thing: Thing) -> str:
    """The name of a listed container or network."""
    return str(thing.get("Name") or thing["Names"][0].lstrip("/"))


def remove(client: docker.DockerClient, label: str, wanted: Callable[[Mapping[str, str]], bool]) -> list[str]:
    """Removes the containers, then the networks, with `label` whose labels are `wanted`; returns their names.

    Raises EngineError when something could not be removed, after it tried all.
    """
    try:
        inhabitants = [c for c in containers(client, label) if wanted(c["Labels"])]
        networks = [n for n in client.api.networks(filters={"label": label}) if wanted(n["Labels"])]
    except (DockerException, OSError) as error:
        raise EngineError(f"cannot list what is to be removed: {words(error)}") from error
    failures = _each(inhabitants, lambda id: client.api.remove_container(id, force=True, v=True))
    failures += _each(networks, client.api.remove_network)
    if failures:
        raise EngineError("not removed: " + "; ".join(failures) + "; ./l3 clean tries again")
    return [name_of(thing) for thing in (*inhabitants, *networks)]


def _each(things: list[Thing], removal: Callable[[str], object]) -> list[str]:
    """Removes all `things` side by side; returns what could not be removed, with the engine's words."""
    if not things:
        return []
    with ThreadPoolExecutor(len(things)) as pool:
        return [failure for failure in pool.map(lambda thing: _told(thing, removal), things) if failure]


def _told(thing: Thing, removal: Callable[[str], object]) -> str | None:
    """Runs `removal`; None when the thing is gone, else what the engine said. Gone already, or going, is gone."""
    try:
        removal(thing["Id"])
    except NotFound:
        return None
    except (DockerException, OSError) as error:
        going = isinstance(error, APIError) and error.status_code == 409 and "already in progress" in str(error)
        return None if going else f"{name_of(thing)} ({error})"
    return None
