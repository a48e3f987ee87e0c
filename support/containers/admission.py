"""What may run at once: a fleet waits until its limits fit beside those of all live fleets, or is refused."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import docker
from docker.errors import DockerException

from support.containers import labels
from support.containers.service import MIB
from support.containers.sweep import containers
from support.errors import EngineError, FleetError
from support.turn import lock_file, turn

WAIT_S = 600.0


@contextmanager
def admitted(
    client: docker.DockerClient,
    need: int,
    total: int,
    say: Callable[[str], None],
    given_up: Callable[[], bool] = lambda: False,
) -> Iterator[None]:
    """Holds the door while a fleet that takes `need` bytes is created; what is created counts from then on.

    `total` is the most that all fleets of the machine may take at once, in bytes. Raises FleetError with the sums
    when the fleet alone does not fit, or has waited 10 minutes, and as soon as it is `given_up`.
    """
    if need > total:
        raise FleetError(f"the fleet takes {_mib(need)} at once, but all may take {_mib(total)}; raise L3_MEMORY")
    end = time.monotonic() + WAIT_S
    told = False
    while True:
        # Two runs that ask at once are admitted one after the other.
        with turn(lock_file("admission"), "its fleet", say, given_up):
            taken = _taken(client)
            if taken + need <= total:
                yield
                return
        if given_up():
            raise FleetError("nobody waits for the fleet any more")
        if time.monotonic() > end:
            raise FleetError(
                f"other fleets held {_mib(taken)} of {_mib(total)} for {WAIT_S:g} s; {_mib(need)} are needed"
            )
        if not told:
            say(f"waiting: other fleets hold {_mib(taken)} of {_mib(total)}, and {_mib(need)} are needed")
            told = True
        time.sleep(0.5)


def _taken(client: docker.DockerClient) -> int:
    """The sum of the limits of all containers of live runs, in bytes."""
    try:
        listed = containers(client, labels.RUN)
    except (DockerException, OSError) as error:
        raise EngineError(f"the engine does not list its containers: {error}") from error
    return sum(int(c["Labels"].get(labels.MEMORY, 0)) for c in listed if not labels.owner_is_dead(c["Labels"]))


def _mib(size: int) -> str:
    return f"{size / MIB:,.0f} MiB"
