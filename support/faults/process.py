"""Faults of a container's process: real signals and a real freezer, by the engine."""

from collections.abc import Callable, Sequence

from docker.errors import DockerException

from support.containers.redis_cluster import RedisClusterService
from support.containers.service import Service
from support.errors import FaultError, FleetError
from support.polling import poll

HOLDS_WITHIN_S = 10.0  # for the engine to carry a fault out; it takes 0.1 to 0.3 s on a machine that is not busy
_DEAF_S = 0.3


def kill(service: Service) -> None:
    """SIGKILL, seen to hold: the process is gone and its port no longer answers. Raises FaultError."""
    signal(service, "SIGKILL")
    if not poll(service.has_ended, HOLDS_WITHIN_S):
        raise FaultError(f"{service.name} still runs {HOLDS_WITHIN_S:g} s after SIGKILL")


def signal(service: Service, name: str) -> None:
    """Sends the signal `name` to the container's first process. Raises FaultError."""
    _engine(service, f"send {name} to", lambda: service.get_wrapped_container().kill(signal=name))


def bring_back(service: Service) -> None:
    """Starts a container that is down, at the same address; returns when it is ready. Raises FaultError."""
    try:
        # A process that was asked to end may not have ended yet; what is to come back must first be gone.
        if service.state().get("Running"):
            kill(service)
        service.start().wait_ready()
    except FleetError as error:
        raise FaultError(f"{service.name} did not come back: {error}") from error


def start(service: Service) -> None:
    """Starts a container that is down; it may not be ready yet, and may never be. Raises FaultError."""
    try:
        service.start()
    except FleetError as error:
        raise FaultError(f"{service.name} was not started: {error}") from error


def see_ready(service: Service) -> None:
    """Leaves a container that answers as it is, and brings any other back. Raises FaultError."""
    if not service.answers(*service.address()):
        bring_back(service)


def reunite(members: Sequence[RedisClusterService]) -> None:
    """Waits until the members of a cluster, which heard nothing of each other, agree again. Raises FaultError."""
    try:
        RedisClusterService.reunite(members)
    except FleetError as error:
        raise FaultError(str(error)) from error


def pause(service: Service) -> None:
    """Freezes all processes of the container, seen to hold: it no longer answers. Raises FaultError."""
    refusals: list[FaultError] = []

    def frozen() -> bool:
        """Whether the engine could; a process that waits for the disk just then cannot be frozen (cgroup v1)."""
        try:
            _engine(service, "pause", service.get_wrapped_container().pause)
        except FaultError as error:
            refusals.append(error)
            return False
        return True

    if not poll(frozen, HOLDS_WITHIN_S):
        raise refusals[-1]
    if not service.state().get("Paused") or service.answers(*service.address(), timeout_s=_DEAF_S):
        raise FaultError(f"{service.name} was paused and answers all the same")


def resume(service: Service) -> None:
    """Thaws a paused container; returns when it answers again. Raises FaultError."""
    _engine(service, "unpause", service.get_wrapped_container().unpause)
    try:
        service.wait_ready()
    except FleetError as error:
        raise FaultError(f"{service.name} does not answer after its pause: {error}") from error


def _engine(service: Service, verb: str, order: Callable[[], object]) -> None:
    try:
        order()
    except (DockerException, OSError) as error:
        raise FaultError(f"the engine did not {verb} {service.name}: {error}") from error
