"""A subscriber in a process of its own, so that it can be frozen. It only watches, and says what it is told.

Whom it watches for, where and what comes on standard input; what it is told goes to standard output, pickled.
"""

import ctypes
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from websocket import ABNF, WebSocketException

from support.capabilities.websocket_redis_pubsub.client import Adapter, Event, Joined, Line, Refusal, Session
from support.errors import AdapterError, ProbeError
from support.platforms.platform import Door, Platform
from support.polling import poll
from support.promise import broken
from support.settings import ROOT

_PR_SET_PDEATHSIG = 1  # prctl(2): the kernel kills this process when its parent dies, also while it is frozen
_STARTS_WITHIN_S = 10.0


@dataclass(frozen=True)
class Errand:
    """Who is to watch which channels, and at which door of which platform (the folder of its adapters)."""

    platform: Path
    capability: str
    door: Door
    session: Session
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Trouble:
    """Why the process ended: the target, or the adapter, did not do its part."""

    of_target: bool
    text: str


class Peer:
    """The process, from outside. It watches its channels when it is made; AssertionError when it could not."""

    def __init__(self, errand: Errand) -> None:
        command = [sys.executable, "-c", f"from {__name__} import main; main()"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._told: list[Event] = []
        self._trouble: Trouble | None = None
        self._reader = threading.Thread(target=self._read, args=[self._process.stdout], daemon=True)
        self._reader.start()
        with cast(IO[bytes], self._process.stdin) as stdin:
            pickle.dump(errand, stdin)
        try:
            self._await_watching(errand)
        except BaseException:
            self.close()
            raise

    @property
    def events(self) -> list[Event]:
        """What it has been told. Raises AdapterError or AssertionError, with the reason, when it has given up."""
        if self._trouble:
            if self._trouble.of_target:
                broken(self._trouble.text)
            raise AdapterError(f"in a process of its own the adapter does not do its part: {self._trouble.text}")
        return list(self._told)

    def freeze(self) -> None:
        """SIGSTOP: the process stands still, its connection stays open, and nothing answers."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def close(self) -> None:
        """SIGKILL, which reaches a frozen process too."""
        self._process.kill()
        self._process.wait(10)
        self._reader.join(10)

    def _await_watching(self, errand: Errand) -> None:
        def joined() -> bool:
            return {event.channel for event in self.events if isinstance(event, Joined)} >= set(errand.channels)

        if not poll(lambda: joined() or self._process.poll(), _STARTS_WITHIN_S):
            broken(f"a subscriber in a process of its own could not watch {errand.channels} at {errand.door.name}")
        if self._process.poll():
            raise ProbeError(f"a subscriber in a process of its own ended with {self._process.poll()}")

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            for told in _pickled(pipe):
                if isinstance(told, Trouble):
                    self._trouble = told
                else:
                    self._told.append(cast(Event, told))


def main() -> None:
    """Watches the channels of the errand until the connection ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        for event in _watch(pickle.load(sys.stdin.buffer)):
            _say(event)
    except (AssertionError, WebSocketException, OSError) as error:
        _say(Trouble(True, str(error)))
    except Exception as error:  # noqa: BLE001 - an adapter is somebody's code, and may raise anything
        _say(Trouble(False, f"{type(error).__name__}: {error}"))


def _watch(errand: Errand) -> Iterator[Event]:
    gateway: Adapter = Platform(errand.platform).meet(errand.capability, errand.door)
    line = gateway.enter(errand.session)
    if isinstance(line, Refusal):
        broken(f"{gateway.name} refused a subscriber: {line.value}")
    line.socket.settimeout(None)  # it may hear nothing for as long as it lives
    channels = list(errand.channels)
    line.watch(channels.pop(0), None)
    for event in _heard(line):
        yield event
        if isinstance(event, Joined) and channels:
            line.watch(channels.pop(0), None)


def _heard(line: Line) -> Iterator[Event]:
    with suppress(WebSocketException, OSError):
        while True:
            opcode, frame = line.socket.recv_data_frame()
            if opcode == ABNF.OPCODE_CLOSE:
                return
            yield from line.take(frame.data)


def _pickled(pipe: IO[bytes]) -> Iterable[object]:
    while True:
        try:
            yield pickle.load(pipe)
        except EOFError:
            return


def _say(what: object) -> None:
    pickle.dump(what, sys.stdout.buffer)
    sys.stdout.buffer.flush()
