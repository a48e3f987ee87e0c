"""What a scenario that was not passed leaves to look at: the log and the inspection of every container."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from docker.errors import DockerException
from testcontainers.core.exceptions import ContainerStartException

from support.containers.fleet import Fleet
from support.containers.service import Service
from support.errors import FleetError, SuiteError

_SECRET = ("SECRET", "PASSWORD", "TOKEN", "KEY")


@contextmanager
def of_failed_start(fleet: Fleet, folder: Path) -> Iterator[None]:
    """What is raised inside, because `fleet` did not start, is raised again and says that its logs are in `folder`."""
    try:
        yield
    except SuiteError as error:
        capture(fleet, folder)
        raise FleetError(f"{error}\nthe logs of all containers are in {folder}") from error


def capture(fleet: Fleet, folder: Path) -> None:
    """Writes `<service>.log` and `<service>.json` for each container of `fleet` into `folder`; secrets are masked.

    What the engine cannot tell any more is said in the file. Raises OSError when the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for service in fleet.services:
        (folder / f"{service.name}.log").write_text(service.last_lines(2000) + "\n")
        (folder / f"{service.name}.json").write_text(json.dumps(_inspection(service), indent=1) + "\n")


def _inspection(service: Service) -> Mapping[str, Any]:
    try:
        container = service.get_wrapped_container()
        container.reload()
    except (DockerException, ContainerStartException, OSError) as error:
        return {"error": str(error)}
    attributes = dict(container.attrs)
    attributes["Config"] = dict(attributes["Config"], Env=[_masked(line) for line in attributes["Config"]["Env"] or []])
    return attributes


def _masked(line: str) -> str:
    name, _, value = line.partition("=")
    return f"{name}=***" if any(word in name.upper() for word in _SECRET) else f"{name}={value}"
