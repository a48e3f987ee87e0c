"""What clients and matchers make of what a target says, also of what it should not have said."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import jwt
import pytest
from hamcrest import assert_that

from support import sentences
from support.capabilities.cache_invalidation_redis.matchers import shows
from support.clients.exchanges import Exchanges
from support.clients.identity import IdentityProvider
from support.platforms.platform import Door
from support.platforms.reference.cache_invalidation_redis import Adapter as Storefront
from support.polling import poll


def test_a_wrong_price_is_named_and_a_missing_or_foreign_one_too() -> None:
    assert_that({"a": 1, "b": None}, shows({"a": 1, "b": None}))
    with pytest.raises(AssertionError, match="Expected: the true prices of 3 products") as told:
        assert_that({"a": 2, "c": None, "d": 9}, shows({"a": 1, "b": 3, "c": None}))
    assert "3 were wrong: a costs 1, shown was 2; b costs 3, shown was None; d costs None, shown was 9" in str(
        told.value
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((500, b"oops"), "expected 200 with price_cents from GET /shops/s%2F1/products/a%3F, got 500: oops"),
        ((200, b"oops"), "expected 200 with price_cents"),
        ((200, b"[]"), "expected 200 with price_cents"),
        ((200, b'{"price_cents":"12"}'), "told '12', which is no whole number"),
    ],
)
def test_what_a_storefront_should_not_have_answered_is_an_assertion(answer: tuple[int, bytes], words: str) -> None:
    with storefront_that_answers(*answer) as storefront, pytest.raises(AssertionError) as told:
        storefront.price("s/1", "a?")
    assert words in str(told.value)


def test_a_price_and_the_want_of_one_are_told_apart() -> None:
    with storefront_that_answers(200, b'{"price_cents":12}') as storefront:
        assert storefront.price("s", "a") == 12
    with storefront_that_answers(404, b"") as storefront:
        assert storefront.price("s", "a") is None


def test_keys_of_names_with_colons_are_not_those_of_others() -> None:
    with storefront_that_answers(404, b"") as storefront:
        assert storefront.price_key("a:b", "c") == "price:a%3Ab:c" != storefront.price_key("a", "b:c")
        assert storefront.price_key("a%3Ab", "c") != storefront.price_key("a:b", "c")


@contextmanager
def storefront_that_answers(status: int, body: bytes) -> Iterator[Storefront]:
    """A storefront at a real server that gives every GET the same answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        storefront = Storefront(Door("storefront-1", "storefront", url, {}, Exchanges()))
        yield storefront
        storefront.close()
        server.shutdown()
        thread.join()


def test_words_of_sentences_mean_what_they_say() -> None:
    assert [sentences.duration(t) for t in ("250 ms", "2 s", "0.5 s", "2 min")] == [0.25, 2, 0.5, 120]
    assert [sentences.count(t) for t in ("no", "7", "1,000")] == [0, 7, 1000]
    assert [sentences.size(t) for t in ("64 KB", "40 MB")] == [64_000, 40_000_000]
    assert sentences.names("7, a*b, a?b and a[bc]d") == ["7", "a*b", "a?b", "a[bc]d"]


def test_poll_asks_until_true_and_once_more_at_the_deadline() -> None:
    answers = iter([0, 0, 5])
    assert poll(lambda: next(answers), within_s=1, every_s=0.01) == 5
    began, asked = time.monotonic(), []
    assert not poll(lambda: asked.append(time.monotonic()), within_s=0.2, every_s=0.15)
    assert asked[-1] - began >= 0.2


def test_tokens_are_signed_and_expire_but_for_those_that_are_meant_not_to_be() -> None:
    issuer = IdentityProvider("s" * 32)
    assert jwt.decode(issuer.token("ada", ["c"]), "s" * 32, algorithms=["HS256"])["channels"] == ["c"]
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(issuer.token("ada", ["c"], lifetime_s=-1), "s" * 32, algorithms=["HS256"])
    with pytest.raises(jwt.MissingRequiredClaimError):
        jwt.decode(issuer.token("ada", [], exp=None), "s" * 32, algorithms=["HS256"], options={"require": ["exp"]})
    assert jwt.get_unverified_header(issuer.unsigned("ada", ["c"]))["alg"] == "none"
