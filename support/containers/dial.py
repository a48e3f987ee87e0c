"""A connection to the engine, below HTTP: to its socket, over TCP, with TLS, or through ssh.

Standard library only, because the launcher asks on a bare machine.
"""

import os
import socket
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from support.containers.address import CERTIFICATES, Address, docker_certificates

if TYPE_CHECKING:  # loading it takes longer than most engines take to answer
    import ssl

_TLS_PORT, _PLAIN_PORT = 2376, 2375
_SSH_LEAVES_WITHIN_S = 1.0


class Channel(socket.socket):
    """One end of a pair; the other one is the standard input and output of an ssh that has docker's socket there."""

    process: "subprocess.Popen[bytes]"

    def last_words(self) -> str:
        """What ssh said, if it has ended; else nothing."""
        try:
            self.process.wait(_SSH_LEAVES_WITHIN_S)
        except subprocess.TimeoutExpired:
            return ""
        return self.process.stderr.read().decode(errors="replace").strip() if self.process.stderr else ""


def connect(address: Address, within_s: float) -> socket.socket:
    """A connection on which the engine speaks HTTP. Raises OSError, TLS's own errors included."""
    plain = bare(address, within_s)
    context = tls(address)
    return context.wrap_socket(plain, server_hostname=host(address)) if context else plain


def bare(address: Address, within_s: float) -> socket.socket:
    """The same without TLS. Raises OSError."""
    parts = urlsplit(address.url)
    if parts.scheme == "ssh":
        return through_ssh(address.url, within_s)
    if parts.scheme == "unix":
        return _local(parts.path, within_s)
    port = parts.port or (_TLS_PORT if _secured(address) else _PLAIN_PORT)
    return socket.create_connection((host(address), port), within_s)


def host(address: Address) -> str:
    """The name of the engine's machine, as its certificate has it."""
    return urlsplit(address.url).hostname or "127.0.0.1"


def tls(address: Address) -> "ssl.SSLContext | None":
    """TLS as docker's client does it, by the address's certificates or docker's own; None where there is none."""
    if not _secured(address):
        return None
    import ssl

    folder = address.certificates or docker_certificates(os.environ)
    authority, certificate, key = (folder / name for name in CERTIFICATES)
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(certificate, key)
    if not address.verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def through_ssh(url: str, within_s: float, kind: type[Channel] = Channel) -> Channel:
    """What docker's own client does for ssh://user@host:port: docker on that machine hands on what it is given.

    In a session of its own, so that Ctrl-C does not take the engine from whoever is cleaning up. It asks nobody
    anything, because nobody might be there.
    """
    parts = urlsplit(url)
    options = ["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=10"]
    options += ["-l", parts.username] if parts.username else []
    options += ["-p", str(parts.port)] if parts.port else []
    here, there = socket.socketpair()
    channel = kind(fileno=here.detach())
    channel.settimeout(within_s)
    with there:
        channel.process = subprocess.Popen(
            ["ssh", *options, "--", parts.hostname or "", "docker", "system", "dial-stdio"],
            stdin=there.fileno(),
            stdout=there.fileno(),
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    return channel


def _local(path: str, within_s: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(within_s)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def _secured(address: Address) -> bool:
    by_scheme = urlsplit(address.url).scheme
    if by_scheme in ("unix", "ssh"):
        return False
    return by_scheme == "https" or bool(address.certificates or os.environ.get("DOCKER_TLS_VERIFY"))
