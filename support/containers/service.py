"""One container of a fleet: limits, fixed loopback ports, readiness by the protocol's own answer, times."""

import io
import tarfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from docker import version as docker_version
from docker.errors import DockerException, NotFound
from docker.types import EndpointConfig
from testcontainers.core.container import DockerContainer
from testcontainers.core.exceptions import ContainerStartException

from support.containers.labels import container_name
from support.containers.loopback import Loopback
from support.errors import EngineError, FleetError
from support.origin import words
from support.polling import poll

MIB = 1024 * 1024
_STILL_TOLD_S = 2.0


@dataclass(frozen=True)
class Limits:
    """What one container may take: memory in bytes, CPUs in cores, and how many processes and threads."""

    memory: int
    cpus: float
    pids: int


@dataclass
class Times:
    """Seconds since the fleet's start at which a container was created, started and ready; None until then."""

    created_s: float | None = None
    started_s: float | None = None
    ready_s: float | None = None


class Service(DockerContainer):
    """A container with a name in its fleet. Subclasses say their ports, limits, command, and `answers`."""

    kind: ClassVar[str]
    port: ClassVar[int]
    limits: ClassVar[Limits]
    question: ClassVar[str]
    command: ClassVar[list[str] | None] = None
    environment: ClassVar[dict[str, str]] = {}
    process: str = ""  # the name of the process that is measured; without one it is the container's first
    loopback = Loopback()  # where its ports are published; its fleet says, where that is another machine's
    working_dir: str | None = None  # where its process starts; its image says where, unless this does
    ready_within_s: ClassVar[float] = 30.0

    def __init__(
        self,
        name: str,
        image: str,
        labels: dict[str, str],
        client: Mapping[str, str],
        extra_ports: tuple[int, ...] = (),
    ) -> None:
        """`client` is how it reaches the engine (engine.same_api)."""
        super().__init__(image, docker_client_kw=dict(client), command=None)
        self.name = name
        self.times = Times()
        self.abandoned = False  # set when nobody waits for it any more
        self.with_name(container_name(labels, name))
        self.with_network_aliases(name)
        self._labels = labels
        self._published = {port: 0 for port in (self.port, *extra_ports) if port}
        self.with_envs(**self.environment)
        if self.command:
            self.with_command(self.command)

    def create(self, cores: int) -> None:
        """Makes the container, with ports that stay the same however often it is started. Raises FleetError."""
        self._published = dict(zip(self._published, self.loopback.draw(len(self._published)), strict=True))
        self.ports = {f"{inner}/tcp": ("127.0.0.1", outer) for inner, outer in self._published.items()}  # type: ignore[misc]
        try:
            self._container = self.get_docker_client().create(
                self.image,
                command=self._command,
                environment=self.env,
                ports=self.ports,
                name=self._name,
                labels=self._labels,
                network=self._network.name if self._network else None,
                networking_config=self._endpoint(),
                working_dir=self.working_dir,
                mem_limit=self.limits.memory,
                memswap_limit=self.limits.memory,
                nano_cpus=int(min(self.limits.cpus, cores) * 1e9),
                pids_limit=self.limits.pids,
            )
        except DockerException as error:
            raise FleetError(f"{self.name}: the engine did not create a container of {self.image}: {error}") from error

    def start(self) -> Self:
        """Starts the container that was created, also one that was killed: its ports stay. Raises FleetError."""
        try:
            self.get_wrapped_container().start()
        except DockerException as error:
            raise FleetError(f"{self.name}: the engine did not start it: {error}") from error
        return self

    def put(self, files: Mapping[str, bytes]) -> None:
        """Puts `files` (absolute path -> content) into the container, running or not. Raises FleetError."""
        try:
            self.get_wrapped_container().put_archive("/", archive(files))
        except DockerException as error:
            raise FleetError(f"{self.name}: the engine did not take {', '.join(files)}: {error}") from error

    def wait_ready(self) -> None:
        """Returns once the service answers in its own protocol. FleetError, with its last lines, if not."""
        host, port = self.address()
        began = time.monotonic()
        over = poll(lambda: self.answers(host, port) or self._in_vain(), self.ready_within_s)
        if not over or self._in_vain():
            waited_s = round(time.monotonic() - began, 1) if over else self.ready_within_s
            raise FleetError(f"{self.plight()} within {waited_s:g} s{self._mend()}")

    def plight(self) -> str:
        """Why it cannot be used, for a message: the question that it does not answer, its state, its last lines."""
        host, port = self.address()
        state = self.state()
        fate = f"it is {state.get('Status', 'gone')}"
        if state.get("Status") == "exited":
            fate = "it ran out of memory" if state.get("OOMKilled") else f"it ended with exit code {state['ExitCode']}"
        last = f"{self.name} ({fate}) said last:\n{self.last_lines()}"
        return f"{last}\nand {self._answer()} to {self.question} at {host}:{port}"

    def answers(self, host: str, port: int, timeout_s: float = 1.0) -> bool:
        """Whether the protocol's own answer comes from `host`:`port` within `timeout_s`; also through a proxy."""
        raise NotImplementedError

    def address(self, port: int | None = None) -> tuple[str, int]:
        """Where the suite reaches `port` of the container (by default its main port); the same for all its life."""
        return "127.0.0.1", self.loopback.here(self._published[port or self.port])

    def inner_address(self) -> str:
        """The container's IP address in the fleet's network, which may be another after a restart."""
        container = self.get_wrapped_container()
        container.reload()
        (endpoint,) = container.attrs["NetworkSettings"]["Networks"].values()
        return str(endpoint["IPAddress"])

    def state(self) -> dict[str, Any]:
        """The engine's word on the container (Status, Running, Paused, Pid, OOMKilled, ExitCode); empty when gone."""
        try:
            container = self.get_wrapped_container()
            container.reload()
        except NotFound:
            return {}
        except (DockerException, OSError) as error:
            raise EngineError(f"the engine does not answer about {self.name}: {words(error)}") from error
        return dict(container.attrs["State"])

    def has_ended(self) -> bool:
        """Whether its process has ended, and was not started again. Raises EngineError."""
        return bool(self.state().get("Status") == "exited")

    def last_lines(self, count: int = 15) -> str:
        """The last `count` lines that the container wrote, or why they cannot be had."""
        try:
            return self.get_wrapped_container().logs(tail=count).decode(errors="replace").strip()
        except (DockerException, ContainerStartException, OSError) as error:
            return f"(no log: {error})"

    def peak_memory(self) -> int | None:
        """The most memory in bytes that it has used, from its control group; None where that cannot be read."""
        pid = self.state().get("Pid")
        return self.loopback.peak_memory(pid) if pid else None

    def _answer(self) -> str:
        """What it last did in the place of the right answer."""
        return "gave no answer"

    def _mend(self) -> str:
        """What is likely to mend that it is never ready; empty where nothing is."""
        return ""

    def _in_vain(self) -> bool:
        """Whether it is not to be waited for any longer."""
        return self.abandoned or self.state().get("Status") not in ("created", "running", "restarting")

    def _endpoint(self) -> dict[str, EndpointConfig] | None:
        if self._network is None:
            return None
        return {self._network.name: EndpointConfig(docker_version.__version__, aliases=self._network_aliases)}


class Store(Service):
    """A service that nodes keep data in: they are told its address, and a link to it can be cut or slowed."""

    setting: ClassVar[str]  # the environment variable by which a node is told
    image_name: ClassVar[str] = ""  # its image's name in the manifest, where that is not its kind
    members: ClassVar[int] = 1  # how many of them make one store
    linked: ClassVar[bool] = True  # whether nodes reach it through Toxiproxy, where the fleet has one

    @classmethod
    def assemble(cls, members: "Sequence[Store]") -> None:
        """Makes one store of `members` once they answer; a store of a single one is complete. Raises FleetError."""

    @staticmethod
    def url(host: str, port: int) -> str:
        """The address as a platform's configuration names it."""
        raise NotImplementedError

    def answers_inside(self, host: str, port: int, within_s: float = 2.0) -> bool:
        """Whether the protocol's answer comes from `host`:`port` as the fleet's network sees them, in time."""
        raise NotImplementedError

    def reread(self) -> None:
        """Lets it read again the files of the target that it was given. Raises FleetError."""

    def empty(self) -> None:
        """Takes everything out that nodes have put in, so that it is as it was when it started. Raises FleetError.

        What another store was still telling it comes a moment later, and is taken out, too.
        """
        left: object = None

        def emptied() -> bool:
            nonlocal left
            left = self._emptied()
            return not left

        if not poll(emptied, _STILL_TOLD_S):
            raise FleetError(f"{self.name} was emptied, and still holds {left}")

    def _emptied(self) -> object:
        """Takes everything out, and returns what is there all the same. Raises FleetError."""
        raise NotImplementedError


def archive(files: Mapping[str, bytes]) -> bytes:
    """A tar of `files`: absolute path -> content, readable for every user of the container."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()
