"""The container engine: one way to reach it, with testcontainers told the same."""

import os

# Read by testcontainers when it is imported, so they are set here, before anything imports it. The reaper is
# off because the suite owns its cleaning; the connection mode is pinned because a stray /.dockerenv would make
# testcontainers believe that it runs inside a container of the engine.
os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
os.environ["TESTCONTAINERS_CONNECTION_MODE"] = "docker_host"
os.environ["TESTCONTAINERS_HOST_OVERRIDE"] = "127.0.0.1"

import docker
from docker.auth import AuthConfig
from docker.errors import DockerException
from testcontainers.core.config import testcontainers_config

from support.containers import address, ssh
from support.errors import EngineError
from support.origin import lack

# It would log in to a registry for each container, and go to the engine that a file of the user's home names.
testcontainers_config._docker_auth_config = None
testcontainers_config.tc_properties = {}
ssh.supply()

MEND = "start it (./l3 run does that as root on Debian), or name one by DOCKER_HOST; ./l3 doctor says more"


def connect(timeout_s: float = 60) -> docker.DockerClient:
    """A client of the engine, which has answered; testcontainers and all that this process starts go to the same one.

    `timeout_s` bounds each later call to the engine, in seconds. Raises EngineError, naming the address and the mend.
    """
    engine = address.settle(os.environ)
    try:
        client = docker.from_env(timeout=int(timeout_s), use_context=False)
        client.ping()
    except (DockerException, OSError, ValueError) as error:  # ValueError: docker's own configuration is damaged
        why = lack(error) or f"{error}; {MEND}"
        raise EngineError(f"no container engine answers at {engine.url}: {why}") from error
    # A build needs no login, and would ask every credential helper of docker's configuration for all that it has; it
    # would do so with an empty set of logins, too.
    client.api._auth_configs = AuthConfig({"auths": {"nowhere.invalid": {}}})  # type: ignore[attr-defined]
    return client


def same_api(client: docker.DockerClient) -> dict[str, str]:
    """What lets testcontainers make more clients like `client` without asking the engine for its version each time.

    The engine runs two programs of its own to answer that: 10 ms for each container of a fleet.
    """
    return {"version": client.api.api_version}
