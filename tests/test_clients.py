"""What clients and matchers make of what a target says, also of what it should not have said."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import cast

import jwt
import pytest
from hamcrest import assert_that

from support import sentences
from support.capabilities.cache_invalidation_redis.client import Storefront, price_key
from support.capabilities.cache_invalidation_redis.matchers import shows
from support.capabilities.websocket_redis_pubsub.client import Subscriber, parse, serial_in, update_of
from support.capabilities.websocket_redis_pubsub.matchers import exactly_once_in_order
from support.capabilities.websocket_redis_pubsub.pace import Pace
from support.clients.exchanges import Exchanges
from support.clients.identity import IdentityProvider
from support.platforms.platform import Door
from support.polling import poll

UPDATE = {"type": "update", "channel": "c", "epoch": "e", "offset": 3, "data": {"serial": 7}}
SUBSCRIBED = {"type": "subscribed", "channel": "c", "epoch": "e", "offset": 3, "recovered": None, "updates": []}


@pytest.mark.parametrize("message", [UPDATE, SUBSCRIBED, SUBSCRIBED | {"updates": [{"offset": 3, "data": 1}]}])
def test_a_message_as_the_protocol_has_it_is_taken_as_it_is(message: dict[str, object]) -> None:
    assert parse(json.dumps(message)) == message


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{", '"update"', "{}", '{"type":"unheard of"}']
    + [json.dumps({k: v for k, v in UPDATE.items() if k != missing}) for missing in UPDATE]
    + [json.dumps(UPDATE | {"offset": "3"}), json.dumps(SUBSCRIBED | {"updates": [{"data": 1}]})]
    + [json.dumps(SUBSCRIBED | {"updates": [None]}), json.dumps(SUBSCRIBED | {"recovered": "yes"})],
)
def test_anything_else_is_malformed_and_raises_nothing(text: str) -> None:
    assert parse(text) == {"type": "malformed", "text": text}


@pytest.mark.parametrize(
    "data",
    [None, 7, "x", [], {}, {"serial": 7}, update_of(7) | {"serial": "7"}, update_of(7) | {"text": "cut"}],
)
def test_data_that_lost_its_serial_number_or_text_counts_as_a_foreign_update(data: object) -> None:
    assert serial_in(update_of(7, padding=3)) == 7
    assert serial_in(data) == 0


def test_whoever_publishes_waits_for_readers_and_for_one_who_never_reads_only_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("support.capabilities.websocket_redis_pubsub.pace._WAITS_FOR_S", 0.2)
    arrivals: list[int] = []
    reader = SimpleNamespace(connection=SimpleNamespace(arrivals=arrivals))
    pace = Pace([cast(Subscriber, reader)], ahead=1)
    began = time.monotonic()
    pace.keep()  # the first update may go, and the second is one ahead
    pace.keep()
    assert time.monotonic() - began < 0.1
    pace.keep()
    assert time.monotonic() - began >= 0.2
    pace.keep()
    assert time.monotonic() - began < 0.4


@pytest.mark.parametrize(
    ("got", "words"),
    [
        ([1, 2], "got 2: 1 lost (3)"),
        ([1, 2, 2, 3], "got 4: 1 received more than once (2)"),
        ([1, 2, 3, 9], "got 4: 1 foreign (9)"),
        ([1, 3, 2], "got 3: out of order from number 2 on"),
        ([2, 2, 8], "got 3: 2 lost (1, 3); 1 received more than once (2); 1 foreign (8)"),
    ],
)
def test_a_mismatch_names_what_was_lost_doubled_foreign_or_out_of_order(got: list[int], words: str) -> None:
    assert_that([1, 2, 3], exactly_once_in_order([1, 2, 3]))
    with pytest.raises(AssertionError, match="Expected: 3 updates, once each and in order") as told:
        assert_that(got, exactly_once_in_order([1, 2, 3]))
    assert words in str(told.value)


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
        ((200, b'{"price_cents":"12"}'), "told a price that is no number of cents"),
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
    assert price_key("a:b", "c") == "price:a%3Ab:c" != price_key("a", "b:c")
    assert price_key("a%3Ab", "c") != price_key("a:b", "c")


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
