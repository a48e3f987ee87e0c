"""What the kernel says of a node's process, asked inside its container.

Every look raises ProbeError when it gets no answer, and AssertionError when the node no longer runs.
"""

import re

from docker.errors import DockerException

from support.containers.platform import Node
from support.errors import ProbeError
from support.origin import lack
from support.polling import look_until, poll
from support.promise import must

_PRINTS_WITHIN_S = 5.0
_NAME_KEPT = 15  # characters that the kernel keeps of a process's name (comm in proc(5))
_NAMES = 'for one in /proc/[0-9]*; do read -r name < $one/comm && echo "$one $name"; done 2>/dev/null || true'
_TICKS_PER_S = 100  # USER_HZ, the same on every Linux that people use (time(7))
_LINKER = re.compile(r"ERROR: ld\.so: object [^\n]*\n")  # of LD_PRELOAD, see ld.so(8)
_ESTABLISHED, _LISTENING = "01", "0A"  # the kernel's states of a socket (include/net/tcp_states.h)


def open_files(node: Node) -> int:
    """How many files, sockets included, the node's process holds open (proc(5))."""
    return len(_ask(node, ["ls", f"{_process(node)}/fd"]).split())


def connections(node: Node) -> int:
    """How many connections to its own port the node has open, by the kernel's tables (/proc/net/tcp in proc(5))."""
    process = _process(node)
    # The engine may lose the end of what is printed, too, and its own socket the node has all the time.
    states = look_until(lambda found: _LISTENING in found, lambda: _states(node, process), _PRINTS_WITHIN_S)
    if _LISTENING not in states:
        raise ProbeError(f"{node.name} has no socket that listens on port {node.port}")
    return states.count(_ESTABLISHED)


def connections_tried(node: Node) -> int:
    """How many connections have been tried from the node's container since its start (ActiveOpens of proc_net(5))."""
    rows = [line.split() for line in _ask(node, ["cat", f"{_process(node)}/net/snmp"]).splitlines()]
    names, counts = [row[1:] for row in rows if row[0] == "Tcp:"]
    return int(dict(zip(names, counts, strict=True))["ActiveOpens"])


def resident_bytes(node: Node) -> int:
    """The memory that the node's process holds now, in bytes (VmRSS of proc(5))."""
    return _kilobytes(node, "VmRSS")


def peak_resident_bytes(node: Node) -> int:
    """The most memory that the node's process has held since `forget_peak`, in bytes (VmHWM of proc(5))."""
    return _kilobytes(node, "VmHWM")


def forget_peak(node: Node) -> None:
    """Sets the peak back to what the process holds now (clear_refs of proc(5))."""
    _ask(node, ["sh", "-c", f"echo 5 > {_process(node)}/clear_refs && echo done"])


def cpu_seconds(node: Node) -> float:
    """How long the node's process, its threads included, has worked so far (utime and stime of proc(5)).

    The kernel counts in hundredths of a second.
    """
    fields = _ask(node, ["cat", f"{_process(node)}/stat"]).rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def time_of_day(node: Node) -> float:
    """The time of day for whatever runs in the node's container, in seconds since 1970."""
    return float(_ask(node, ["date", "+%s.%N"]))


def has_loaded(node: Node, library: str) -> bool:
    """Whether the node's process has loaded `library`, named by a part of its path (/proc/PID/maps in proc(5))."""
    return library in _ask(node, ["cat", f"{_process(node)}/maps"])


def _states(node: Node, process: str) -> list[str]:
    """The states of all sockets of the node's own port."""
    tables = _ask(node, ["sh", "-c", f"cat {process}/net/tcp {process}/net/tcp6 || true"]).splitlines()
    sockets = [line.split() for line in tables if f":{node.port:04X} " in line]
    return [fields[3] for fields in sockets if fields[1].endswith(f":{node.port:04X}")]


def _process(node: Node) -> str:
    """The folder of the process that is measured: of the name that the platform says, else the container's first."""
    if not node.process:
        return "/proc/1"
    listed = _ask(node, ["sh", "-c", _NAMES]).splitlines()
    names = dict(line.split(" ", 1) for line in listed)
    found = [folder for folder, name in names.items() if name == node.process[:_NAME_KEPT]]
    if not found:
        raise ProbeError(f"{node.name} has no process {node.process}, but {sorted(set(names.values()))}")
    return min(found, key=lambda folder: int(folder.rpartition("/")[2]))


def _kilobytes(node: Node, field: str) -> int:
    for line in _ask(node, ["cat", f"{_process(node)}/status"]).splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise ProbeError(f"{node.name} has no {field}")


def _ask(node: Node, command: list[str]) -> str:
    """What `command` prints. Now and then the engine loses that, so a command that printed nothing is run again."""
    printed = poll(lambda: _run(node, command), _PRINTS_WITHIN_S)
    if not printed:
        raise ProbeError(f"{' '.join(command)} in {node.name} printed nothing for {_PRINTS_WITHIN_S:g} s")
    return printed


def _run(node: Node, command: list[str]) -> str:
    try:
        result = node.exec(command)
    except DockerException as error:
        # A node that is gone cannot be asked, and that is the target's doing; see Fleet.casualties for who else's.
        if not lack(error):
            must(node.state().get("Running"), f"{node.name} no longer runs: {node.state()}\n{node.last_lines()}")
        raise ProbeError(f"the engine did not run {' '.join(command)} in {node.name}: {error}") from error
    if result.exit_code != 0:
        raise ProbeError(f"{' '.join(command)} in {node.name} ended with {result.exit_code}: {result.output!r}")
    # Of a library that the image does not have, the linker complains at each command, which does its work all the same;
    # it does so on the other stream, and the engine may put that anywhere, also into the middle of a line.
    return _LINKER.sub("", result.output.decode(errors="replace"))
