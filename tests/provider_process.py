"""A provider as a process on loopback: what a container of it runs, without the container."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.containers.http import answers_200
from support.containers.ports import draw
from support.polling import poll
from support.settings import ROOT


@dataclass(frozen=True)
class Addresses:
    """Where the third party is played, and where it is told how."""

    url: str
    control_url: str


@contextmanager
def provider(kind: str, keeps_in: Path | None = None) -> Iterator[Addresses]:
    """Runs the provider `kind` until the end of the block; what outlives it is in the folder `keeps_in`, if at all."""
    port, control_port = draw(2)
    ports = ["--host=127.0.0.1", f"--port={port}", f"--control-port={control_port}"]
    environment = {**os.environ, **({"PROVIDER_KEEPS_IN": str(keeps_in)} if keeps_in else {})}
    process = subprocess.Popen([sys.executable, "-m", "support.providers", kind, *ports], cwd=ROOT, env=environment)
    try:
        assert poll(lambda: answers_200("127.0.0.1", control_port, "/health", 1), 60), process.poll()
        yield Addresses(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{control_port}")
    finally:
        process.terminate()
        assert process.wait(5) == 0  # at once, whatever it holds
