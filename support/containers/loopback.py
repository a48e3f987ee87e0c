"""127.0.0.1 of the engine's machine, where all ports are published: by default this machine's own."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from support.containers import address, ports
from support.containers.cgroup import peak_memory_of

if TYPE_CHECKING:
    import docker

    from support.images.resolution import Image

_IMAGE = "providers"  # the suite's own that has an interpreter


def images_needed() -> tuple[str, ...]:
    """The images that each fleet takes beside those of its containers."""
    return (_IMAGE,) if address.find(os.environ).elsewhere else ()


def loopback_of(client: "docker.DockerClient", images: "Mapping[str, Image]", owner: Mapping[str, str]) -> "Loopback":
    """The engine's, for a fleet; `images` has what is needed, `owner` is the labels of what belongs to the fleet."""
    engine = address.find(os.environ)
    if not engine.elsewhere:
        return Loopback()
    from support.containers.relayed import Relayed  # whose libraries nobody else waits for

    return Relayed(client, engine, images[_IMAGE].reference, owner)


class Loopback:
    """This machine's own: what is published there is reached as it is."""

    memory = 0  # bytes that it takes on the engine's machine

    def open(self) -> None:
        """Makes it ready. Raises EngineError with the mend."""

    def draw(self, count: int) -> list[int]:
        """`count` different ports that nothing listens on and nobody else draws. Raises FleetError and EngineError."""
        return ports.draw(count)

    def here(self, port: int) -> int:
        """The port of 127.0.0.1 on this machine that leads to `port` there; the same each time. Raises EngineError."""
        return port

    def peak_memory(self, pid: int) -> int | None:
        """The most memory in bytes that the container of process `pid` there has used; None where nobody can tell."""
        return peak_memory_of(pid)

    def begin(self) -> None:
        """Lets `trouble` tell of what comes from now on. Raises EngineError where nothing can come any more."""

    def trouble(self) -> str | None:
        """Why a question may not have been heard since `begin`, or its answer not; None where all is well."""
        return None

    def close(self) -> None:
        """Ends what it made on this machine."""
