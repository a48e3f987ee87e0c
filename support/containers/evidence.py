"""What a scenario that was not passed leaves to look at: the log and the inspection of every container."""

import json
from collections.abc import Collection, Iterator, Mapping
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
        (folder / f"{service.name}.log").write_text(
            service.last_lines(2000) + "\n", encoding="utf-8", errors="backslashreplace"
        )
        said = json.dumps(_inspection(service, list(filter(None, fleet.secrets.values()))), indent=1)
        (folder / f"{service.name}.json").write_text(said + "\n", encoding="utf-8", errors="backslashreplace")


def _inspection(service: Service, secrets: Collection[str]) -> Mapping[str, Any]:
    try:
        container = service.get_wrapped_container()
        container.reload()
    except (DockerException, ContainerStartException, OSError) as error:
        return {"error": str(error)}
    attributes = dict(container.attrs)
    told = [_masked(line, secrets) for line in attributes["Config"]["Env"] or []]
    attributes["Config"] = dict(attributes["Config"], Env=told)
    return attributes


def _masked(line: str, secrets: Collection[str]) -> str:
    """A line of the environment. A platform may have told a secret by any name, or as a part of something else."""
    name, _, value = line.partition("=")
    secret = any(word in name.upper() for word in _SECRET) or any(one in value for one in secrets)
    return f"{name}=***" if secret else f"{name}={value}"
