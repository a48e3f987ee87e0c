"""A receiver of webhooks on loopback: what a node of a platform is to a payment provider."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """Keeps every body with its signature; `answer` says the status of the number that arrives, from 0."""

    url: str = ""
    answer: Callable[[int], int] = lambda number: 200
    wait_s: float = 0.0
    received: list[tuple[bytes, str | None]] = field(default_factory=list)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Listens until the end of the block."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            number = len(found.received)
            found.received.append(
                (self.rfile.read(int(self.headers["Content-Length"])), self.headers["Stripe-Signature"])
            )
            time.sleep(found.wait_s)
            self.send_response(found.answer(number))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        found.url = f"http://127.0.0.1:{server.server_address[1]}/webhooks"
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
