"""The SDK's way to an engine over ssh: its own needs a library, this one runs ssh as docker's own client does."""

import os
from typing import IO, Any

from docker.api import client as sdk
from docker.transport.unixconn import UnixHTTPAdapter, UnixHTTPConnection, UnixHTTPConnectionPool

from support.containers import address, dial


def supply() -> None:
    """Lets every client of the SDK reach an engine over ssh, those that testcontainers makes too."""
    sdk.SSHHTTPAdapter = SshAdapter  # type: ignore[attr-defined]


class SshAdapter(UnixHTTPAdapter):
    """What a client sends its requests by; as the SDK's other adapters, but for where it finds the engine."""

    def __init__(self, url: str, *more: Any, shell_out: bool = False, **named: Any) -> None:
        """To the engine of this process; into `url` the SDK writes a port, which the user may have set for ssh."""
        super().__init__(url, *more, **named)
        self.socket_path = address.find(os.environ).url

    def get_connection(self, url: Any, proxies: Any = None) -> Any:
        """The connections to the engine, which are used again."""
        with self.pools.lock:
            if not self.pools.get(url):
                self.pools[url] = _Pool(url, self.socket_path, self.timeout, maxsize=self.max_pool_size)
            return self.pools[url]


class _Pool(UnixHTTPConnectionPool):
    def _new_conn(self) -> Any:
        return _Connection(self.base_url, self.socket_path, self.timeout)  # type: ignore[arg-type]


class _Connection(UnixHTTPConnection):
    def connect(self) -> None:
        """Runs an ssh."""
        self.sock = dial.through_ssh(self.unix_socket, self.timeout, _Stream)


class _Stream(dial.Channel):
    """A channel that the SDK finds again by the file that it reads from, where it takes a connection over."""

    def makefile(self, *args: Any, **named: Any) -> IO[Any]:  # type: ignore[override]
        file: Any = super().makefile(*args, **named)
        file.channel = self
        return file  # type: ignore[no-any-return]
