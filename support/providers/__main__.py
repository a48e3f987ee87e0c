"""Runs a provider: `python -m providers KIND`, where KIND is the name of a folder beside this file."""

import argparse
import logging
import sys

from .server import serve
from .third_party import UnknownKind, load

PROVIDER_PORT = 9000
CONTROL_PORT = 9001


def main() -> int:
    """Serves until SIGTERM or SIGINT; returns 2 when there is no such kind."""
    parser = argparse.ArgumentParser(prog="providers")
    parser.add_argument("kind")
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=PROVIDER_PORT, help="of the third party")
    parser.add_argument("--control-port", type=int, default=CONTROL_PORT)
    said = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        provider = load(said.kind)
    except UnknownKind as error:
        print(error, file=sys.stderr)
        return 2
    serve(provider, said.host, said.port, said.control_port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
