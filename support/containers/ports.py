"""Loopback ports for containers, which no other process of the suite takes meanwhile."""

import random
import socket
import threading

from support.errors import FleetError

# Below the range that Linux takes the ports of outgoing connections from (ip(7), ip_local_port_range): a client's
# own connection must not take the port of a node that is down for a moment.
_FIRST, _BLOCKS, _SIZE = 20000, 120, 100

_claims: list[socket.socket] = []  # of blocks; the kernel ends them with this process
_left: list[int] = []  # ports of these blocks that no container of this process has had
_drawing = threading.Lock()


def draw(count: int) -> list[int]:
    """`count` different ports that nothing listens on, and that no other process draws. Raises FleetError.

    Between being drawn and being listened on a port is free, and so it is while its container is down: runs side by
    side must not meet there.
    """
    found: list[int] = []
    with _drawing:
        while len(found) < count:
            if not _left:
                _left.extend(_claimed())
            port = _left.pop()
            if _is_free(port):
                found.append(port)
    return found


def _claimed() -> range:
    """The ports of a block that is this process's from now on, by a name that only one may have (unix(7), abstract)."""
    for block in random.sample(range(_BLOCKS), _BLOCKS):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0l3-ports-{block}")
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        first = _FIRST + block * _SIZE
        return range(first, first + _SIZE)
    raise FleetError(
        f"no ports are left between {_FIRST} and {_FIRST + _BLOCKS * _SIZE}: other runs have taken them all"
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
