"""What the kernel says of a node's process, asked inside its container.

Every look raises ProbeError when it gets no answer, and AssertionError when the node no longer runs.
"""

from docker.errors import DockerException

from support.containers.platform import Node
from support.errors import ProbeError


def open_files(node: Node) -> int:
    """How many files, sockets included, the node's process holds open (proc(5))."""
    return len(_ask(node, ["ls", "/proc/1/fd"]).split())


def resident_bytes(node: Node) -> int:
    """The memory that the node's process holds now, in bytes (VmRSS of proc(5))."""
    return _kilobytes(node, "VmRSS")


def peak_resident_bytes(node: Node) -> int:
    """The most memory that the node's process has held since `forget_peak`, in bytes (VmHWM of proc(5))."""
    return _kilobytes(node, "VmHWM")


def forget_peak(node: Node) -> None:
    """Sets the peak back to what the process holds now (clear_refs of proc(5))."""
    _ask(node, ["sh", "-c", "echo 5 > /proc/1/clear_refs"])


def _kilobytes(node: Node, field: str) -> int:
    for line in _ask(node, ["cat", "/proc/1/status"]).splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise ProbeError(f"{node.name} has no {field}")


def _ask(node: Node, command: list[str]) -> str:
    try:
        result = node.exec(command)
    except DockerException as error:
        # A node that is gone cannot be asked, and that is the target's doing; see Fleet.casualties for who else's.
        assert node.state().get("Running"), f"{node.name} no longer runs: {node.state()}\n{node.last_lines()}"
        raise ProbeError(f"the engine did not run {' '.join(command)} in {node.name}: {error}") from error
    if result.exit_code != 0:
        raise ProbeError(f"{' '.join(command)} in {node.name} ended with {result.exit_code}: {result.output!r}")
    return result.output.decode()
