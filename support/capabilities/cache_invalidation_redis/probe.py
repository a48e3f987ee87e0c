"""How long Redis lets those wait who ask it while it does something else."""

import threading
import time
from contextlib import suppress
from typing import Self

from redis.exceptions import RedisError

from support.containers.service import Store
from support.errors import ProbeError
from support.probes.redis import client_of

_MOMENT_S = 0.001


class Asker:
    """Asks one server again and again, in a thread of its own, and takes the time of each answer."""

    def __init__(self, server: Store) -> None:
        self._client = client_of(server)
        self._goes_on = threading.Event()
        self._took: list[float] = []
        self._thread = threading.Thread(target=self._run, name=f"asks {server.name}", daemon=True)

    def __enter__(self) -> Self:
        self._goes_on.set()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._goes_on.clear()
        self._thread.join()
        self._client.close()

    def answers(self) -> list[float]:
        """How long each answer took (seconds). Raises ProbeError when there was none."""
        if not self._took:
            raise ProbeError("Redis gave no answer while it was asked all the time")
        return list(self._took)

    def waits(self) -> list[float]:
        """For how long somebody would have waited who had come at any of the moments of an answer under way (seconds).

        A server that stands still for long answers few, so that answers alone would make it look quick. A moment is a
        millisecond. Raises ProbeError when there was no answer.
        """
        return [took - moment * _MOMENT_S for took in self.answers() for moment in range(int(took / _MOMENT_S) + 1)]

    def _run(self) -> None:
        with suppress(RedisError):
            while self._goes_on.is_set():
                began = time.monotonic()
                self._client.ping()
                self._took.append(time.monotonic() - began)
                time.sleep(_MOMENT_S)
