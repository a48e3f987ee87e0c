"""The container engine: one way to reach it, with testcontainers told the same."""

import os

# Read by testcontainers when it is imported, so they are set here, before anything imports it. The reaper is
# off because the suite owns its cleaning; the connection mode is pinned because a stray /.dockerenv would make
# testcontainers believe that it runs inside a container of the engine.
os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
if not os.environ.get("DOCKER_HOST", "").startswith(("tcp://", "ssh://")):
    os.environ["TESTCONTAINERS_CONNECTION_MODE"] = "docker_host"
    os.environ["TESTCONTAINERS_HOST_OVERRIDE"] = "127.0.0.1"

import docker
from docker.errors import DockerException
from testcontainers.core.docker_client import DockerClient

from support.errors import EngineError

MEND = "start it (./l3 run does that as root on Debian), or name one by DOCKER_HOST; ./l3 doctor says more"


def connect(timeout_s: float = 60) -> docker.DockerClient:
    """A client of the engine, which has answered.

    `timeout_s` bounds each later call to the engine, in seconds. Raises EngineError, naming the address and the mend.
    """
    try:
        client = DockerClient(timeout=timeout_s).client
        client.ping()
    except (DockerException, OSError) as error:
        address = os.environ.get("DOCKER_HOST", "the default socket")
        raise EngineError(f"no container engine answers at {address}: {error}; {MEND}") from error
    return client


def same_api(client: docker.DockerClient) -> dict[str, str]:
    """What lets testcontainers make more clients like `client` without asking the engine for its version each time.

    The engine runs two programs of its own to answer that: 10 ms for each container of a fleet.
    """
    return {"version": client.api.api_version}
