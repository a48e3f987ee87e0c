"""What a scenario that was not passed leaves to look at: the log and the inspection of every container."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker.errors import DockerException

from support.containers.fleet import Fleet
from support.containers.service import Service

_SECRET = ("SECRET", "PASSWORD", "TOKEN", "KEY")


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
    except (DockerException, OSError) as error:
        return {"error": str(error)}
    attributes = dict(container.attrs)
    attributes["Config"] = dict(attributes["Config"], Env=[_masked(line) for line in attributes["Config"]["Env"]])
    return attributes


def _masked(line: str) -> str:
    name, _, value = line.partition("=")
    return f"{name}=***" if any(word in name.upper() for word in _SECRET) else f"{name}={value}"
