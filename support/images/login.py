"""The login at a registry that `docker login` has stored, or that DOCKER_AUTH_CONFIG holds."""

import json
import os

from docker.auth import encode_header, load_config, resolve_repository_name
from docker.errors import DockerException


def headers_for(repository: str) -> tuple[dict[str, str], str | None]:
    """What a pull of `repository` is to be sent with, and why a login could not be had where that is so, else None.

    Most images need none, so that it cannot be read is for the registry to judge.
    """
    registry = resolve_repository_name(repository)[0]
    try:
        own = os.environ.get("DOCKER_AUTH_CONFIG")
        login = load_config(config_dict=json.loads(own) if own else None).resolve_authconfig(registry)
    except (DockerException, ValueError, TypeError, AttributeError, OSError) as error:  # the file may hold anything
        return {}, f"the login for {registry} cannot be read: {error}"
    return ({"X-Registry-Auth": encode_header(login).decode()} if login else {}), None
