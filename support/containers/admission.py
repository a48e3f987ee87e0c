"""What may run at once: a fleet waits until its limits fit beside those of all live fleets, or is refused."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import docker
from docker.errors import DockerException

from support.containers import labels
from support.containers.service import MIB
from support.containers.sweep import Thing, containers
from support.errors import EngineError, FleetError
from support.origin import words
from support.turn import lock_file, turn

WAIT_S = 600.0
GivenUp = Callable[[], bool]


def _never() -> bool:
    return False


@contextmanager
def admitted(
    client: docker.DockerClient, need: int, total: int, say: Callable[[str], None], given_up: GivenUp = _never
) -> Iterator[None]:
    """Holds the door while a fleet that takes `need` bytes is created; what is created counts from then on.

    `total` is the most that all fleets of the machine may take at once, in bytes. Raises FleetError with the sums
    when the fleet alone does not fit, or has waited 10 minutes, and as soon as it is `given_up`.
    """
    if need > total:
        raise FleetError(f"the fleet takes {_mib(need)} at once, but all may take {_mib(total)}; raise L3_MEMORY")
    end, told = time.monotonic() + WAIT_S, False
    while True:
        # Two runs that ask at once are admitted one after the other.
        with turn(lock_file("admission"), "its fleet", say, given_up):
            taken, orphans = _taken(client)
            if taken + need <= total:
                yield
                return
        if given_up():
            raise FleetError("nobody waits for the fleet any more")
        held = f"{_mib(taken)} of {_mib(total)}{orphans}"
        if time.monotonic() > end:
            raise FleetError(f"other fleets held {held} for {WAIT_S:g} s; {_mib(need)} are needed")
        if not told:
            say(f"waiting: other fleets hold {held}, and {_mib(need)} are needed")
        told = True
        time.sleep(0.5)


def _taken(client: docker.DockerClient) -> tuple[int, str]:
    """The sum of the limits of all containers whose run is not known to be dead, in bytes; and a word on orphans."""
    try:
        listed = containers(client, labels.RUN)
    except (DockerException, OSError) as error:
        raise EngineError(f"the engine does not list its containers: {words(error)}") from error
    orphans = _memory(c for c in listed if labels.owner_is_unknown(c["Labels"]))
    told = f" ({_mib(orphans)} of them for runs of which nothing is known: ./l3 clean --orphans)" if orphans else ""
    return _memory(c for c in listed if not labels.owner_is_dead(c["Labels"])), told


def _memory(listed: Iterable[Thing]) -> int:
    return sum(int(thing["Labels"].get(labels.MEMORY, 0)) for thing in listed)


def _mib(size: int) -> str:
    return f"{size / MIB:,.0f} MiB"
