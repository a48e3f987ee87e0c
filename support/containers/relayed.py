"""127.0.0.1 of an engine's machine that is not this one, reached by a relay.

The relay is a container there. What it is asked for goes to its standard input and its answers come from its standard
output, by the engine: so it listens on no network, whoever may not use the engine may not use it, and it ends with
whoever started it.
"""

import asyncio
import json
import threading
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import docker
from docker.errors import DockerException
from docker.types import LogConfig

from support.containers import clocks, dial, labels, relay
from support.containers.address import Address
from support.containers.loopback import Loopback
from support.containers.service import archive
from support.containers.streams import Stream, Wire, carry
from support.errors import EngineError, FleetError
from support.origin import words

_SUPPORT = Path(__file__).resolve().parents[1]
_ROOM = (f"containers/{name}.py" for name in ("__init__", "cgroup", "ports", "relay", "streams"))
_PROGRAM = ("__init__.py", "errors.py", *_ROOM)
_PLACE = "relay"  # the program's folder, and the name of the container
_MEMORY = 128 * 1024 * 1024
_ANSWERS_WITHIN_S = 20.0
_BEATS_EVERY_S = 0.5
_BEARABLE_S = 2.0  # as the suite's own pulse
Result = TypeVar("Result")


class Relayed(Loopback):
    """Another machine's. Any thread may ask; one of its own does the work."""

    memory = _MEMORY

    def __init__(self, client: docker.DockerClient, engine: Address, image: str, owner: Mapping[str, str]) -> None:
        self._client, self._engine, self._image = client, engine, image
        self._labels = {**owner, labels.SERVICE: _PLACE, labels.MEMORY: str(_MEMORY)}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._live, name=_PLACE, daemon=True)
        self._doors: dict[int, int] = {}  # of this machine, by the port that they lead to
        self._servers: list[asyncio.Server] = []
        self._wire: Wire | None = None
        self._sink: asyncio.StreamWriter | None = None
        self._running: asyncio.Future[Any] | None = None  # a task that nobody holds may be collected
        self._opening, self._said, self._lost = threading.Lock(), "", True
        self._asked_at, self._longest_s = 0.0, 0.0

    def open(self) -> None:
        """Starts the relay. Raises EngineError, also where the clocks of the two machines differ too much."""
        self._thread.start()
        try:
            made = self._create()
            self._do(self._attach(str(made.id)))
            made.start()
        except (DockerException, OSError) as error:
            raise EngineError(f"the relay to {self._engine.url} did not start: {words(error)}") from error
        began, there = time.time(), float(str(self._ask(relay.TIME)))
        ahead_s = there - (began + time.time()) / 2
        if not clocks.agree(ahead_s):
            raise EngineError(f"{clocks.told(ahead_s)}; {clocks.MEND}")
        self._asked_at = time.monotonic()
        asyncio.run_coroutine_threadsafe(self._beat(), self._loop)

    def draw(self, count: int) -> list[int]:
        """As this machine's own."""
        drawn = self._ask(f"{relay.DRAW} {count}")
        if not isinstance(drawn, list):
            raise FleetError(f"on the engine's machine {drawn}")
        return drawn

    def here(self, port: int) -> int:
        """As this machine's own, by a door for each port."""
        with self._opening:
            if port and port not in self._doors:
                self._doors[port] = self._do(self._make_door(port))
            return self._doors.get(port, 0)

    def peak_memory(self, pid: int) -> int | None:
        """As this machine's own."""
        with suppress(EngineError):
            peak = self._ask(f"{relay.PEAK} {pid}")
            return peak if isinstance(peak, int) else None
        return None

    def begin(self) -> None:
        """As this machine's own."""
        if self._lost:
            raise EngineError(str(self.trouble()))
        self._longest_s = 0.0

    def trouble(self) -> str | None:
        """As this machine's own."""
        if self._lost:
            return f"the relay to {self._engine.url} is gone{self._last_words()}"
        longest_s = max(self._longest_s, time.monotonic() - self._asked_at)
        return f"the way to {self._engine.url} stood still for {longest_s:.1f} s" if longest_s > _BEARABLE_S else None

    def close(self) -> None:
        """As this machine's own; the relay ends by it."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _live(self) -> None:
        """What the thread does."""
        self._loop.run_forever()
        for door in self._servers:
            door.close()
        if self._sink:
            self._sink.transport.abort()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self._loop.run_until_complete(asyncio.wait(tasks))
        self._loop.close()

    def _create(self) -> Any:
        """A container that has the network, the processes and the control groups of the engine's machine."""
        made = self._client.containers.create(
            self._image,
            ["python", "-m", relay.__name__],
            name=labels.container_name(self._labels, _PLACE),
            labels=self._labels,
            working_dir=f"/{_PLACE}",
            stdin_open=True,  # and closed with the only connection that feeds it
            auto_remove=True,
            network_mode="host",
            pid_mode="host",
            cgroupns="host",
            userns_mode="host",
            volumes={"/sys/fs/cgroup": {"bind": "/sys/fs/cgroup", "mode": "ro"}},
            log_config=LogConfig(type=LogConfig.types.NONE),  # of what passes through
            mem_limit=_MEMORY,
            memswap_limit=_MEMORY,
            pids_limit=64,
        )
        made.put_archive("/", _program())
        return made

    async def _attach(self, container: str) -> None:
        """Takes over a connection to the engine as the container's input and output (Engine API, ContainerAttach)."""
        plain = dial.bare(self._engine, _ANSWERS_WITHIN_S)
        plain.setblocking(False)
        context = dial.tls(self._engine)
        host = dial.host(self._engine) if context else None
        source, self._sink = await asyncio.open_connection(sock=plain, ssl=context, server_hostname=host)
        wanted = f"POST /containers/{container}/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1"
        self._sink.write(f"{wanted}\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n".encode())
        head = await source.readuntil(b"\r\n\r\n")
        if head.split()[1] not in (b"101", b"200"):
            raise OSError(f"the engine did not attach to it: {head.decode(errors='replace').strip()}")
        told = asyncio.StreamReader()
        self._wire, self._lost = Wire(told, self._sink, _nothing), False
        self._running = asyncio.gather(self._unpack(source, told), self._run(self._wire))

    async def _unpack(self, source: asyncio.StreamReader, told: asyncio.StreamReader) -> None:
        """Takes the frames apart in which the engine tells the two outputs (ContainerAttach, stream format)."""
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await source.readexactly(8)
                piece = await source.readexactly(int.from_bytes(head[4:], "big"))
                if head[0] == 1:
                    told.feed_data(piece)
                else:
                    self._said = (self._said + piece.decode(errors="replace"))[-2000:]
        told.feed_eof()

    async def _run(self, wire: Wire) -> None:
        await wire.run()
        self._lost = True
        for server in self._servers:
            server.close()

    async def _beat(self) -> None:
        """Asks for the time again and again, and notes the longest wait for it."""
        while not self._lost and self._wire:
            self._asked_at = time.monotonic()
            with suppress(ConnectionResetError):
                await self._wire.ask(relay.TIME)
            self._longest_s = max(self._longest_s, time.monotonic() - self._asked_at)
            await asyncio.sleep(_BEATS_EVERY_S)

    async def _make_door(self, port: int) -> int:
        async def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self._wire:
                await carry(self._wire.open(f"{relay.PORT} {port}"), reader, writer)

        server = await asyncio.start_server(enter, "127.0.0.1", 0)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def _ask(self, request: str) -> object:
        """What the relay answers. Raises EngineError."""
        if self._lost or not self._wire:
            raise EngineError(str(self.trouble()))
        return json.loads(self._do(self._wire.ask(request)))

    def _do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of `work`, which the loop does. Raises EngineError."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(_ANSWERS_WITHIN_S)
        except TimeoutError as error:
            future.cancel()
            raise EngineError(f"the relay to {self._engine.url} did not answer in {_ANSWERS_WITHIN_S:g} s") from error
        except (OSError, EOFError) as error:
            raise EngineError(f"the relay to {self._engine.url} broke off: {error}{self._last_words()}") from error

    def _last_words(self) -> str:
        return f"; it said last: {self._said.strip()}" if self._said else ""


async def _nothing(stream: Stream, request: str) -> None:
    """The relay asks for nothing."""


def _program() -> bytes:
    """The modules that it is made of."""
    return archive({f"/{_PLACE}/support/{module}": (_SUPPORT / module).read_bytes() for module in _PROGRAM})
