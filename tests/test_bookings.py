"""What is made of what billing and its nodes say, also of what they should not have said."""

import datetime
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from hamcrest import assert_that

from support.capabilities.database_transaction_coordination.client import TRIES, BillingNode, Booking
from support.capabilities.database_transaction_coordination.matchers import same_bookings
from support.clients.exchanges import Exchanges
from support.platforms.platform import Door
from support.polling import poll
from support.worlds.watches import Watch

DAY = datetime.date(2024, 2, 29)
A, B, C = (Booking(reference, "account", "usage", 29, DAY) for reference in "abc")


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ([A, B], "2 of 58 cents: 1 missing (c)"),
        ([A, B, C, C], "4 of 116 cents: 1 there more than once (c)"),
        ([A, B, C, C._replace(reference="d")], "4 of 116 cents: 1 foreign (d)"),
        ([A, B, C._replace(cents=28)], "3 of 86 cents: 1 changed (Booking(reference='c'"),
        ([A, A, C._replace(day=datetime.date(2024, 3, 1))], "1 missing (b); 1 there more than once (a); 1 changed"),
    ],
)
def test_a_mismatch_names_what_is_missing_doubled_foreign_or_changed(there: list[Booking], words: str) -> None:
    assert_that([C, A, B], same_bookings([A, B, C]))
    with pytest.raises(AssertionError, match="Expected: 3 bookings of 87 cents in all, once each") as told:
        assert_that(there, same_bookings([A, B, C]))
    assert words in str(told.value)


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Callable[..., BillingNode]:
    """A client whose node gives the answers that are handed over, the last one for ever."""

    def make(*answers: tuple[int, str]) -> BillingNode:
        left = list(answers)

        def answer(*_: Any, **__: Any) -> requests.Response:
            response = requests.Response()
            response.status_code, text = left.pop(0) if len(left) > 1 else left[0]
            response._content = text.encode()
            response.request = requests.Request("GET", "http://node-1/").prepare()
            return response

        monkeypatch.setattr(requests.Session, "request", answer)
        return BillingNode(Door("node-1", "node", "http://node-1", {}, Exchanges()))

    return make


@pytest.mark.parametrize("text", ["", "null", "[]", "7", "{}", '{"entry":null}', "entry"])
def test_an_answer_without_what_it_must_have_is_the_nodes_fault(node: Callable[..., BillingNode], text: str) -> None:
    with pytest.raises(AssertionError, match="expected 201 with entry"):
        node((201, text)).book(A)


def test_a_loser_who_is_asked_to_try_again_does_so_and_not_for_ever(node: Callable[..., BillingNode]) -> None:
    again = (409, '{"retryable":true}')
    assert node(again, again, (201, '{"entry":"e"}')).book(A) == "e"
    assert node((409, '{"error":"used before"}')).offer(A).status_code == 409
    with pytest.raises(AssertionError, match=f"asked {TRIES} times to try again"):
        node(again).offer(A)


def test_a_metric_that_is_not_there_is_the_nodes_fault(node: Callable[..., BillingNode]) -> None:
    assert node((200, "# HELP billing_outbox_depth x\nbilling_outbox_depth 7.0\n")).waiting() == 7
    with pytest.raises(AssertionError, match="has no metric billing_outbox_depth"):
        node((200, "billing_outbox_depth_of_another 7.0\n")).waiting()


def test_a_watch_looks_until_it_ends_and_tells_what_a_look_raised() -> None:
    closed: list[bool] = []
    watch = Watch(lambda: None, 0.01, SimpleNamespace(close=lambda: closed.append(True)))
    assert poll(lambda: watch.looks >= 2, within_s=5)
    watch.end()
    watch.stop()
    assert closed == [True]
    blind = Watch(lambda: int("nothing"), 0.01)
    assert poll(lambda: not blind._thread.is_alive(), within_s=5)
    with pytest.raises(ValueError):
        blind.end()
