"""What runs the target's image: its nodes, and the commands that are run once, such as a migration."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from docker.errors import DockerException, NotFound

from support.containers.http import status_of
from support.containers.service import MIB, Limits, Service
from support.errors import FleetError
from support.polling import poll

_MISUNDERSTOOD = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
_FINAL_AFTER_S = 5.0  # a server may open its port before it knows its own paths
_INSTEAD = "/instead"  # the working directory of a changed version
CLOCK_FILE = "/tmp/clock"
CLOCK_LIBRARY = "libfaketime"
# What lets the clock of a process be moved while it runs (libfaketime's README): its wall clock goes by what the file
# says, read at each look, its timers do not. A library that the image does not have is passed over by the linker.
MOVABLE_CLOCK = {
    "LD_PRELOAD": f"/usr/$LIB/faketime/{CLOCK_LIBRARY}.so.1",
    "FAKETIME_TIMESTAMP_FILE": CLOCK_FILE,
    "FAKETIME_NO_CACHE": "1",
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    "NO_FAKE_STAT": "1",
}


class OfTarget(Service):
    """A container of the target's image. It is configured by its environment alone, as any twelve-factor service is."""

    kind = "platform"
    limits = Limits(memory=256 * MIB, cpus=1, pids=64)
    role = "node"  # what sentences call it; the fleet says
    own_settings: Mapping[str, str] = {}  # what it alone is told, in the place of what the feature says
    _files: Mapping[str, bytes] = {}

    def run_instead(self, files: Mapping[str, bytes]) -> None:
        """Lets it run `files` (path below its working directory -> content) in the place of its image's own.

        To be said before it is created.
        """
        self._files = files
        self.working_dir = _INSTEAD if files else None

    def create(self, cores: int) -> None:
        """As every service; what it is to run instead is there before it starts."""
        super().create(cores)
        if self._files:
            self.put({f"{_INSTEAD}/{path}": content for path, content in self._files.items()})


class Node(OfTarget):
    """One process of the target that serves until it is ended. `health` is the path that it tells by how it is."""

    port = 8000
    health = "/health"
    _status: int | None = None  # of the last answer
    _understood = 0.0  # when its answer was last another, or none of _MISUNDERSTOOD

    @property
    def question(self) -> str:  # type: ignore[override]
        """What it is asked until it is ready."""
        return f"GET {self.health}"

    def answers(self, host: str, port: int, timeout_s: float = 1.0) -> bool:
        """Whether the node says that it and the stores it needs are well."""
        before, self._status = self._status, status_of(host, port, self.health, timeout_s)
        if not self._misunderstands() or before != self._status:
            self._understood = time.monotonic()
        return self._status == HTTPStatus.OK

    @property
    def url(self) -> str:
        """Where the node is reached by HTTP; the same after a restart."""
        host, port = self.address()
        return f"http://{host}:{port}"

    def _answer(self) -> str:
        return f"answered {self._status}" if self._status else super()._answer()

    def _mend(self) -> str:
        return ": is `health` in platform.toml right?" if self._misunderstands() else ""

    def _in_vain(self) -> bool:
        """Also a path of which it says for seconds that there is no such thing: it will not say otherwise."""
        lasted_s = time.monotonic() - self._understood
        return super()._in_vain() or (self._misunderstands() and lasted_s > _FINAL_AFTER_S)

    def _misunderstands(self) -> bool:
        return self._status in _MISUNDERSTOOD


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, all that it printed, and how long it ran (seconds)."""

    exit_code: int
    output: str
    took_s: float


class Command(OfTarget):
    """One run of a command of the target, beside the nodes. It publishes no port."""

    port = 0
    question = "nothing"

    def answers(self, host: str, port: int, timeout_s: float = 1.0) -> bool:
        """Never: it serves nobody."""
        return False

    def address(self, port: int | None = None) -> tuple[str, int]:
        """Nowhere."""
        return "127.0.0.1", 0

    def wait_ready(self) -> None:
        """Nobody waits for that: it does its work, and ends."""

    def run(self, within_s: float) -> Ended:
        """Starts it and returns how it ended. FleetError, with its last lines, when it has not within `within_s`."""
        self.start()
        return self.ended(within_s)

    def ended(self, within_s: float) -> Ended:
        """How it ended, once it has, within `within_s` from now; also when it was killed. Raises FleetError if not."""
        began = time.monotonic()
        if not poll(self.has_ended, within_s):
            raise FleetError(f"{self.name} had not ended after {within_s:g} s; it said last:\n{self.last_lines()}")
        code = int(self.state()["ExitCode"])
        return Ended(code, self.last_lines(10_000), time.monotonic() - began)

    def close(self) -> None:
        """Removes it, running or not. Raises FleetError."""
        try:
            self.get_wrapped_container().remove(force=True, v=True)
        except NotFound:
            return
        except DockerException as error:
            raise FleetError(f"{self.name} was not removed: {error}") from error
