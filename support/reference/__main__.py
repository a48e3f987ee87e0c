"""Runs a node: `python -m reference`, configured by the environment (see settings.py)."""

import logging
import os
import sys

import uvicorn

from .app import create_app
from .protocol import AbortableProtocol
from .settings import Environment, Settings, SettingsError
from .workers import serve

DRAIN_WITHIN_S = 5
# Longer than clients and proxies keep a connection that is idle: else one is closed just as it is used again.
IDLE_S = 75
MESSAGE_LIMIT_BYTES = 1024 * 1024


def main() -> int:
    """Serves until SIGTERM or SIGINT; returns the exit code, 2 for settings that make no sense."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        environ = Environment(os.environ)
        settings = Settings.load(environ)
        app = create_app(settings, environ)
        environ.refuse_unknown()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    capabilities = ", ".join(settings.capabilities) or "no capability"
    logging.getLogger(__name__).info("%s on port %d: %s", settings.node_name, settings.port, capabilities)
    config = uvicorn.Config(
        app, host="0.0.0.0", port=settings.port, loop="uvloop", http="httptools", ws=AbortableProtocol,
        lifespan="on", log_config=None, log_level="warning", access_log=False, server_header=False,
        ws_max_size=MESSAGE_LIMIT_BYTES, ws_per_message_deflate=False,
        ws_ping_interval=settings.ws_ping_interval_s, ws_ping_timeout=settings.ws_ping_timeout_s,
        timeout_graceful_shutdown=DRAIN_WITHIN_S, timeout_keep_alive=IDLE_S,
    )  # fmt: skip
    serve(config, settings.workers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
