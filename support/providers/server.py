"""Serves the two ports of a provider in one process and one event loop."""

import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
import uvloop
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .control import Control
from .door import Door
from .faults import Faults
from .meter import Meter
from .third_party import ThirdParty
from .visit import TRANSPORT

# Longer than clients and proxies keep a connection that is idle: else one is closed just as it is used again.
IDLE_S = 75


class Protocol(HttpToolsProtocol):
    """Hands the application the connection, because some are to be reset."""

    def on_message_begin(self) -> None:
        """As uvicorn, with `TRANSPORT` among the extensions of the scope."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item]  # meant for dicts of options


class Server(uvicorn.Server):
    """One of two servers in a process, so that signals are not its own affair."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


def serve(provider: ThirdParty, host: str, port: int, control_port: int) -> None:
    """Serves until SIGTERM or SIGINT, which end it at once: nobody is answered, and who waits shall notice."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    meter, faults = Meter(), Faults()
    door, control = Door(provider, meter, faults), Control(provider, meter, faults).app()
    uvloop.run(_serve(_server(door, host, port), _server(control, host, control_port)))


async def _serve(door: Server, control: Server) -> None:
    """Opens the door first: a control port that answers means that both are served."""
    serving = [asyncio.create_task(door.serve())]
    while not door.started:
        await asyncio.wait(serving, timeout=0.005)
    serving.append(asyncio.create_task(control.serve()))
    logging.getLogger(__name__).info("on port %d, and control on port %d", door.config.port, control.config.port)
    await asyncio.gather(*serving)


def _server(app: ASGIApp, host: str, port: int) -> Server:
    config = uvicorn.Config(
        app, host=host, port=port, http=Protocol, ws="none", lifespan="off", log_config=None, log_level="warning",
        access_log=False, server_header=False, proxy_headers=False, timeout_keep_alive=IDLE_S,
    )  # fmt: skip
    return Server(config)
