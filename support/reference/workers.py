"""Several processes that serve one port: each connection goes to one that is free, and one that dies is replaced.

They are forked from a process that has loaded everything, so a further one costs little time and memory.
"""

import logging
import os
import signal
import time

import uvicorn

REPLACED_AFTER_S = 0.1  # one that dies at once must not keep a core busy

logger = logging.getLogger(__name__)


def serve(config: uvicorn.Config, count: int) -> None:
    """Serves by `count` processes until SIGTERM or SIGINT; by this one alone if that is 1."""
    if count == 1:
        uvicorn.Server(config).run()
    else:
        Workers(config, count).run()


class Workers:
    """The processes, whose parent serves nobody."""

    def __init__(self, config: uvicorn.Config, count: int) -> None:
        self._config, self._count = config, count
        self._pids: set[int] = set()
        self._ending = False

    def run(self) -> None:
        """Returns when it was asked to end and the last of them has."""
        self._socket = self._config.bind_socket()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        while self._pids or not self._ending:
            while len(self._pids) < self._count and not self._ending:
                self._pids.add(self._fork())
            pid, status = os.wait()
            self._pids.discard(pid)
            if not self._ending:
                logger.warning("worker %d ended (%d) and is replaced", pid, os.waitstatus_to_exitcode(status))
                time.sleep(REPLACED_AFTER_S)

    def _fork(self) -> int:
        pid = os.fork()
        if pid:
            return pid
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        try:
            uvicorn.Server(self._config).run([self._socket])
        finally:
            os._exit(0)  # what the parent has to do at its end is not the child's

    def _end(self, number: int, _: object) -> None:
        self._ending = True
        for pid in self._pids:
            os.kill(pid, number)
