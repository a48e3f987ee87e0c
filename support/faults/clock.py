"""A fault of a node's clock: what the time of day is for its processes, and for nobody else on the machine."""

import time

from support.containers.platform import CLOCK_FILE, CLOCK_LIBRARY, Node
from support.errors import FaultError, FleetError, ProbeError
from support.polling import poll
from support.probes.node import has_loaded, time_of_day

_HOLDS_WITHIN_S = 5.0
_MEND = (
    "its image needs the library libfaketime (Debian's package of that name), and a program that is linked to the C "
    "library: one that is linked statically goes by the kernel's clock, which nobody can move for it alone. Where that "
    "program is not the container's first process, `process` in platform.toml names it. Its role in nodes.toml needs "
    "movable_clock"
)
_OFF_BY_S = 0.5  # at the most; to look at the clock takes a process in the container


def move(node: Node, ahead_s: float) -> None:
    """Sets the node's clock `ahead_s` seconds ahead of this machine's, or behind if below 0. Raises FaultError."""
    seen: list[float] = []

    def moved() -> bool:
        before = time.time()
        seen.append(time_of_day(node))
        return before + ahead_s - _OFF_BY_S < seen[-1] < time.time() + ahead_s + _OFF_BY_S

    try:
        if ahead_s and not has_loaded(node, CLOCK_LIBRARY):
            raise FaultError(f"the clock of {node.name} cannot be moved, it has not loaded {CLOCK_LIBRARY}: {_MEND}")
        node.put({CLOCK_FILE: f"{ahead_s:+g}s".encode()})
        held = poll(moved, _HOLDS_WITHIN_S)
    except (FleetError, ProbeError) as error:
        raise FaultError(f"the clock of {node.name} was not moved: {error}") from error
    if not held:
        raise FaultError(f"the clock of {node.name} is {seen[-1] - time.time():.1f} s ahead, not {ahead_s:g} s")
