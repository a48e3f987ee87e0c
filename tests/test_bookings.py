"""What is made of what billing and its nodes say, also of what they should not have said."""

import datetime
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import requests
from hamcrest import assert_that

from support.capabilities.database_transaction_coordination import client
from support.capabilities.database_transaction_coordination.client import Booking, Outcome, Session
from support.capabilities.database_transaction_coordination.customer import TRIES, Customer
from support.capabilities.database_transaction_coordination.matchers import same_bookings
from support.clients.exchanges import Exchanges
from support.platforms.platform import Door, Platform
from support.polling import poll
from support.settings import REFERENCE
from support.worlds.watches import Watch

if TYPE_CHECKING:
    from support.platforms.reference import database_transaction_coordination as reference

    CONFORMS: Callable[[Door], client.Adapter] = reference.Adapter  # which the type checker sees to

NOBODY = Session("")
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
def node(monkeypatch: pytest.MonkeyPatch) -> Callable[..., client.Adapter]:
    """The reference's adapter, whose node gives the answers that are handed over, the last one for ever."""
    adapter = Platform(REFERENCE).adapter_of("database_transaction_coordination")

    def make(*answers: tuple[int, str]) -> client.Adapter:
        left = list(answers)

        def answer(*_: Any, **__: Any) -> requests.Response:
            response = requests.Response()
            response.status_code, text = left.pop(0) if len(left) > 1 else left[0]
            response._content = text.encode()
            response.request = requests.Request("GET", "http://node-1/").prepare()
            return response

        monkeypatch.setattr(requests.Session, "request", answer)
        return cast(client.Adapter, adapter(Door("node-1", "node", "http://node-1", {}, Exchanges())))

    return make


@pytest.mark.parametrize("text", ["", "null", "[]", "7", "{}", '{"entry":null}', "entry"])
def test_an_answer_without_what_it_must_have_is_the_nodes_fault(node: Callable[..., client.Adapter], text: str) -> None:
    with pytest.raises(AssertionError, match="expected 201 with entry"):
        node((201, text)).charge(NOBODY, A)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((201, '{"entry":"e"}'), Outcome.BOOKED),
        ((409, '{"error":"used before"}'), Outcome.REJECTED),
        ((404, ""), Outcome.REJECTED),
        ((409, '{"retryable":true}'), Outcome.TRY_AGAIN),
        ((401, "{}"), Outcome.UNAUTHENTICATED),
        ((503, "{}"), Outcome.UNAVAILABLE),
    ],
)
def test_what_becomes_of_a_charge_is_told_in_the_features_words(
    node: Callable[..., client.Adapter], answer: tuple[int, str], outcome: Outcome
) -> None:
    assert node(answer).charge(NOBODY, A) is outcome
    assert node(answer).refund(NOBODY, A) is outcome


@pytest.mark.parametrize("status", [200, 302, 418, 500])
def test_an_answer_that_is_neither_success_nor_refusal_is_the_nodes_fault(
    node: Callable[..., client.Adapter], status: int
) -> None:
    with pytest.raises(AssertionError, match=f"expected a success or a refusal .* got {status}: oops"):
        node((status, "oops")).charge(NOBODY, A)


def test_a_loser_who_is_asked_to_try_again_does_so_and_not_for_ever(node: Callable[..., client.Adapter]) -> None:
    def ask_for(*answers: tuple[int, str]) -> Outcome:
        world = SimpleNamespace(nodes=[node(*answers)], session=NOBODY, exchanges=Exchanges())
        return Customer.ask_for(cast(Customer, world), A, 0)

    again = (409, '{"retryable":true}')
    assert ask_for(again, again, (201, '{"entry":"e"}')) is Outcome.BOOKED
    with pytest.raises(AssertionError, match=f"asked {TRIES} times to try again"):
        ask_for(again)


def test_what_is_told_about_money_and_what_is_put_aside_has_its_form(node: Callable[..., client.Adapter]) -> None:
    assert node((200, '{"balance_cents":7}')).balance(NOBODY, "a") == 7
    with pytest.raises(AssertionError, match="expected a balance in whole cents"):
        node((200, '{"balance_cents":"7"}')).balance(NOBODY, "a")
    with pytest.raises(AssertionError, match="expected the entry, attempts and error of each"):
        node((200, '{"parked":[{"entry":"e"}]}')).put_aside(NOBODY)


def test_a_metric_that_is_not_there_is_the_nodes_fault(node: Callable[..., client.Adapter]) -> None:
    assert node((200, "# HELP billing_outbox_depth x\nbilling_outbox_depth 7.0\n")).waiting() == 7
    with pytest.raises(AssertionError, match="expected a metric billing_outbox_depth"):
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
