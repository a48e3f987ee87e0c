"""What is held against the target, and what this machine lacks itself: real sockets, a real limit of open files."""

import errno
import resource
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from websocket import WebSocket

from support.capabilities.websocket_redis_pubsub import peer
from support.capabilities.websocket_redis_pubsub.receiver import Connection, Receiver
from support.clients.exchanges import Exchanges
from support.clients.node_client import NodeClient
from support.containers.http import answers_200
from support.errors import ProbeError, SuiteError
from support.origin import lack, of_other_side
from support.platforms.platform import Door
from support.polling import poll

Manners = Callable[[socket.socket], object]


@contextmanager
def node_that(serves: Manners) -> Iterator[int]:
    """The port of a server that does `serves` to each connection, and then closes it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        serves(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@contextmanager
def no_more_files() -> Iterator[None]:
    """This process may open no more files than it has open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as lowest:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest.fileno(), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def ask(url: str) -> None:
    """A request that may wait for half a second."""
    with closing(NodeClient(Door("node-1", "node", url, {}, Exchanges()), answer_within_s=0.5)) as node:
        node.ask("GET", "/")


def silent(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.settimeout(2)
        while connection.recv(1000):
            pass


@pytest.mark.parametrize(
    "manners",
    [
        lambda connection: None,
        silent,
        lambda connection: connection.sendall(b"what?\r\n\r\n"),
        lambda connection: (
            connection.recv(1000),
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1"),
        ),
    ],
    ids=["closes", "keeps silent", "speaks no HTTP", "breaks off"],
)
def test_what_a_node_does_is_held_against_it(manners: Manners) -> None:
    with node_that(manners) as port, pytest.raises(AssertionError, match="node-1 gave no answer to GET /"):
        ask(f"http://127.0.0.1:{port}")


def test_a_node_that_is_not_there_refuses() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    with pytest.raises(AssertionError, match="refused"):
        ask(f"http://127.0.0.1:{port}")
    assert not answers_200("127.0.0.1", port, "/", 0.2)


def test_without_files_to_open_nobody_is_blamed_and_nobody_is_taken_to_be_silent() -> None:
    with node_that(silent) as port, no_more_files():
        with pytest.raises(ProbeError, match=r"not held against the target: .*Too many open files.*ulimit"):
            ask(f"http://127.0.0.1:{port}")
        with pytest.raises(ProbeError, match=r"could not be asked: .*Too many open files"):
            answers_200("127.0.0.1", port, "/", 0.2)


@pytest.mark.parametrize("url", ["http://no-such-host.invalid", "http://127.0.0.1:99999", "http://255.255.255.255:1"])
def test_what_cannot_be_reached_from_here_is_not_held_against_the_node(url: str) -> None:
    with pytest.raises(ProbeError, match="not held against the target"):
        ask(url)


LACKS = [
    *("EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EADDRNOTAVAIL"),
    *("EACCES", "EPERM", "ENETUNREACH", "EHOSTUNREACH", "ENETDOWN"),
]


@pytest.mark.parametrize("name", LACKS)
def test_a_lack_of_this_machine_is_found_however_deep_a_library_has_wrapped_it(name: str) -> None:
    inner = OSError(getattr(errno, name), name)
    try:
        try:
            raise ConnectionResetError("retried") from inner
        except OSError as error:
            raise RuntimeError("library", error) from None
    except RuntimeError as outer:
        assert not of_other_side(outer)
        assert f"{inner};" in str(lack(outer))


def test_a_connection_that_could_not_be_made_in_time_is_not_certain() -> None:
    assert not of_other_side(TimeoutError("timed out"))
    assert of_other_side(ConnectionResetError(errno.ECONNRESET, "reset"))


NAMES = ("name", "session", "enter", "write", "look", "end_session", "publish", "present", "counts", "close")
ADAPTER = "import os\nclass Adapter:\n    def __init__(self, door): {}\n" + "".join(
    f"    def {name}(self, *asked, **named): pass\n" for name in NAMES
)


@pytest.mark.parametrize(
    ("does", "told"),
    [
        ("raise OSError(24, 'Too many open files')", "Too many open files"),
        ("os.kill(os.getpid(), 9)", "died with -9"),
        ("import time; time.sleep(60)", "did not ask within 1 s"),
    ],
)
def test_a_process_of_the_suites_own_that_did_not_ask_is_not_the_targets_silence(
    does: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "_STARTS_WITHIN_S", 1.0 if "sleep" in does else 10.0)
    (tmp_path / "platform.toml").write_text('name = "Another platform"\n')
    (tmp_path / "websocket_redis_pubsub.py").write_text(ADAPTER.format(does))
    door = Door("gateway-1", "gateway", "http://127.0.0.1:9", {}, Exchanges())
    with pytest.raises(SuiteError, match=told):
        peer.Peer(peer.Errand(tmp_path, "websocket_redis_pubsub", door, "session", ("c",)))


@pytest.mark.parametrize("part", ["a connection", "the selector"])
def test_what_this_machine_lacks_to_hear_is_not_the_targets_silence(part: str) -> None:
    def lacks_memory() -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    here, there = socket.socketpair()
    opened = WebSocket()
    opened.sock = here
    receiver = Receiver()
    connection = Connection(cast(Any, SimpleNamespace(socket=opened)), receiver)
    with closing(there), closing(receiver), pytest.MonkeyPatch.context() as patch:
        patched: tuple[object, str] = (opened, "recv_data_frame")
        if part == "the selector":
            patched = receiver._selector, "select"
        patch.setattr(*patched, lacks_memory)
        receiver.watch(connection)
        there.send(b"x")
        with pytest.raises(ProbeError, match="Cannot allocate memory"):
            poll(lambda: connection.ending, within_s=5)
