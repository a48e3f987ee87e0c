"""What a build takes over from this machine: its certificates, its proxies, its package indexes.

They reach the build as arguments and as a file of its context, never as a file of the project or of an image.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import certifi

from support import footing

SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
# The builder knows these without a declaration, and leaves them out of the history of an image.
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


def certificates() -> bytes:
    """The authorities that this machine trusts, in PEM: PIP_CERT's, SSL_CERT_FILE's, or else the system's."""
    named = (os.environ.get("PIP_CERT"), os.environ.get("SSL_CERT_FILE"), SYSTEM_BUNDLE)
    bundle = next((path for path in named if path and Path(path).is_file()), certifi.where())
    return Path(bundle).read_bytes()


def build_arguments(declared: Iterable[str]) -> dict[str, str]:
    """The machine's values for what a Dockerfile declares by ARG, and its proxies, as far as they are set."""
    names = [*PROXIES, *declared]
    values = _pip_settings() if any(name.startswith("PIP_") for name in names) else {}
    return {name: value for name in names if (value := os.environ.get(name) or values.get(name))}


def _pip_settings() -> dict[str, str]:
    # A machine behind a mirror names it in pip.conf more often than in the environment.
    command = footing.python(sys.executable, "-m", "pip", "config", "list")
    listed = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", timeout=30, check=False
    ).stdout
    settings: dict[str, str] = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        if name.startswith(("global.", "install.")):
            settings["PIP_" + name.partition(".")[2].upper().replace("-", "_")] = str(ast.literal_eval(value))
    return settings
