"""127.0.0.1 of the engine's machine, where all ports are published: by default this machine's own."""

from support.containers import ports
from support.containers.cgroup import peak_memory_of


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
