"""The container engine before there is an SDK: what it says over plain HTTP.

A few lines on a socket, because `http.client` alone would take longer to import than the engine to answer.
"""

import json
import os
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from support.containers.address import Address

_TLS_PORT, _PLAIN_PORT = 2376, 2375


def ping(address: Address, within_s: float = 2.0) -> None:
    """Returns when the engine answers. Raises OSError when it does not, within `within_s` seconds."""
    get(address, "/_ping", within_s)


def get_json(address: Address, path: str, within_s: float) -> Any:
    """What the engine answers to GET `path`, parsed. Raises OSError as `get`."""
    return json.loads(get(address, path, within_s))


def get(address: Address, path: str, within_s: float) -> bytes:
    """The body of the engine's answer to GET `path`. Raises FileNotFoundError for a 404, else OSError.

    HTTP/1.0 (RFC 1945): the answer ends where the connection does, so there are no chunks to put together.
    """
    end = time.monotonic() + within_s
    with _connect(address, within_s) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        answer = b""
        while part := _receive(connection, end):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    if status == [b"404"]:
        raise FileNotFoundError(f"{path}: {body.decode(errors='replace').strip()}")
    if status != [b"200"]:
        raise OSError(f"expected 200 for {path}, got {answer[:200].decode(errors='replace') or 'nothing'}")
    return body


def _receive(connection: socket.socket, end: float) -> bytes:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    connection.settimeout(left)
    return connection.recv(65536)


def _connect(address: Address, within_s: float) -> socket.socket:
    parts = urlsplit(address.url)
    if parts.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(within_s)
        try:
            connection.connect(parts.path)
        except OSError:
            connection.close()
            raise
        return connection
    secured = parts.scheme == "https" or bool(address.certificates or os.environ.get("DOCKER_TLS_VERIFY"))
    port = parts.port or (_TLS_PORT if secured else _PLAIN_PORT)
    plain = socket.create_connection((parts.hostname or "127.0.0.1", port), within_s)
    return _with_tls(plain, parts.hostname or "127.0.0.1", address) if secured else plain


def _with_tls(plain: socket.socket, host: str, address: Address) -> socket.socket:
    """TLS as docker's client does it: authority, certificate and key are the context's, or in DOCKER_CERT_PATH."""
    import ssl

    folder = address.certificates or Path(os.environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    if not address.verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=host)
