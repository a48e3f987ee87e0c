"""A subscriber in a process of its own, so that it can be frozen; its arguments are the URL and the channels.

The token comes on standard input. It answers pings, as any client's library does, and writes each message as a line.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
from typing import IO, Any, cast

from websocket import create_connection

from support.capabilities.websocket_redis_pubsub.client import parse
from support.polling import poll
from support.settings import ROOT

_PR_SET_PDEATHSIG = 1  # prctl(2): the kernel kills this process when its parent dies, also while it is frozen


class Peer:
    """The process, from outside. `start` returns when it watches its channel; AssertionError when it cannot."""

    def __init__(self, url: str, token: str, *channels: str) -> None:
        command = [sys.executable, "-m", "support.capabilities.websocket_redis_pubsub.peer", url, *channels]
        root = ROOT
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, cwd=root, stdin=pipe, stdout=pipe, text=True)
        self.messages: list[dict[str, Any]] = []
        threading.Thread(target=self._read, args=[self._process.stdout], daemon=True).start()
        with cast(IO[str], self._process.stdin) as stdin:
            stdin.write(token + "\n")
        if not poll(lambda: len(self.messages) == len(channels), within_s=10):
            self.end()
            raise AssertionError(f"a subscriber in a process of its own could not watch {channels} at {url}")

    @property
    def lives(self) -> bool:
        """Whether the process is there; it ends when its connection does."""
        return self._process.poll() is None

    def freeze(self) -> None:
        """SIGSTOP: the process stands still, its connection stays open, and nothing answers."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def end(self) -> None:
        """SIGKILL, which reaches a frozen process too."""
        self._process.kill()
        self._process.wait(10)

    def _read(self, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                self.messages.append(parse(line))


def main(url: str, *channels: str) -> None:
    """Watches `channels` until the connection ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    header = {"Authorization": f"Bearer {sys.stdin.readline().strip()}"}
    connection = create_connection(url, header=header, suppress_origin=True)
    for channel in channels:
        connection.send(json.dumps({"type": "subscribe", "channel": channel}))
    while message := connection.recv():
        print(message if isinstance(message, str) else message.decode(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
