"""What README shows of judging a platform of one's own: each snippet is taken from there and does what it says."""

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from threading import Thread

import pytest

from support.capabilities.rate_limiting_redis.client import Adapter, Answer, Customer, Resource, Verdict
from support.clients.exchanges import Exchanges
from support.platforms.platform import Door, Platform
from support.run.selection import documents_in, not_promised

ROOT = Path(__file__).resolve().parents[1]
LIMITS = "rate_limiting_redis"


def snippets(language: str) -> list[str]:
    """Those of the section about one's own platform."""
    section = (ROOT / "README.md").read_text().split("\n## Judging your own platform\n")[1].split("\n## ")[0]
    return [dedent(text) for text in re.findall(rf"^ *```{language}\n(.*?)^ *```$", section, re.DOTALL | re.MULTILINE)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that a reader of README has written."""
    (tmp_path / "platform.toml").write_text("\n".join(snippets("toml")))
    (adapter,) = snippets("python")
    (tmp_path / f"{LIMITS}.py").write_text(adapter)
    return tmp_path


class Gateway(BaseHTTPRequestHandler):
    """Answers as the gateway of README does, so that each part of its adapter is needed."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Whoever has a token or came by some address is let in for 1 item, and refused for more."""
        known = "Authorization" in self.headers or self.headers["X-Forwarded-For"] == "192.0.2.1, 192.0.2.2"
        status = 401 if not known else {"1": 200, "2": 429}.get(self.path.partition("?count=")[2], 400)
        self.send_response(status if self.path.startswith("/v1/orders/some/label?") else 404)
        told = {"Limit": 10, "Window": 2, "Remaining": 9, "Reset": 1}
        for name, value in (told if status == 200 else {}).items():
            self.send_header(f"X-RateLimit-{name}", str(value))
        if status == 429:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def url() -> Iterator[str]:
    """Where a gateway answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_its_description_is_read_and_its_titles_are_those_of_scenarios(folder: Path) -> None:
    platform = Platform(folder)
    assert platform.image()[0].official and platform.said.target.environment
    assert len(not_promised(platform, documents_in(ROOT))) == len(platform.said.not_promised) > 0


def test_its_adapter_does_all_that_is_asked_of_one_and_leaves_no_bytecode(folder: Path, url: str) -> None:
    door = Door("gateway-1", "gateway", url, {"GATEWAY_TOKEN_KEY": "k" * 32}, Exchanges())
    adapter: Adapter = Platform(folder).meet(LIMITS, door)
    asked = Customer("ada", "free"), Resource.ORDERS, "some/label"
    assert adapter.call(*asked) == Answer(Verdict.ADMITTED, 10, 2, 9, None, 1)
    assert adapter.call(*asked, "2") == Answer(Verdict.LIMITED, retry_after_s=1)
    assert adapter.call(*asked, "& 1").verdict is Verdict.INVALID
    came_by = adapter.call_without_account(["192.0.2.1", "192.0.2.2"], *asked[1:])
    stranger = adapter.call_without_account(["192.0.2.9"], *asked[1:])
    assert (came_by.verdict, stranger.verdict) == (Verdict.ADMITTED, Verdict.UNAUTHENTICATED)
    with pytest.raises(AssertionError, match="gateway-1 answered a call by 404"):
        adapter.call(asked[0], asked[1], "other")
    adapter.close()
    assert not [*folder.rglob("__pycache__")]
