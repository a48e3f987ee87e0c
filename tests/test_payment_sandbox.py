"""The payment sandbox through the official SDK: what Stripe's documentation says of these calls, and every fault."""

import asyncio
import hashlib
import itertools
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
import stripe
from provider_process import Addresses, provider
from stripe import StripeClient
from webhook_receiver import Receiver, receiver

from support.clients.payment_sandbox_control import Attempt, Endpoint, PaymentSandboxControl
from support.errors import ProbeError
from support.polling import poll

KEY = "sk_test_of_this_test"
SECRET, OLD_SECRET = "whsec_new", "whsec_old"
ORDERS = (f"order-{number}" for number in itertools.count(1))


class Sandbox(NamedTuple):
    """The official client, and the control port."""

    stripe: StripeClient
    control: PaymentSandboxControl


@pytest.fixture(scope="module")
def addresses() -> Iterator[Addresses]:
    with provider("payment-sandbox") as found:
        yield found


@pytest.fixture
def sandbox(addresses: Addresses) -> Iterator[Sandbox]:
    """A sandbox whose books are empty."""
    control = PaymentSandboxControl("payment-sandbox", addresses.control_url)
    control.ask("POST", "/forget")
    yield Sandbox(StripeClient(KEY, base_addresses={"api": addresses.url}, max_network_retries=0), control)
    control.see_that_the_books_add_up()
    control.close()


@pytest.fixture
def apart() -> Iterator[Callable[..., "Future[Any]"]]:
    """Does something in a thread: apart(function, ...)."""
    with ThreadPoolExecutor(20) as pool:
        yield pool.submit


@pytest.fixture
def node(sandbox: Sandbox) -> Iterator[Receiver]:
    """A receiver of the sandbox's webhooks, as the endpoint node-1."""
    with receiver() as found:
        sandbox.control.send_webhooks_to(Endpoint("node-1", found.url, [SECRET]))
        yield found
        sandbox.control.send_webhooks_to()


def pay(sandbox: Sandbox, key: str | None = None, **changed: Any) -> stripe.PaymentIntent:
    """Pays 10.00 USD with a card that is good, unless it is said otherwise."""
    said = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True, **changed}
    return sandbox.stripe.v1.payment_intents.create(said, {"idempotency_key": key} if key else {})


# Payments


def test_a_payment_is_charged_once_and_booked(sandbox: Sandbox) -> None:
    order = next(ORDERS)
    intent = pay(sandbox, metadata={"order": order}, expand=["latest_charge.balance_transaction"])
    charge: Any = intent.latest_charge
    assert (intent.status, intent.amount_received, intent.currency) == ("succeeded", 1000, "usd")
    assert (charge.paid, charge.amount, charge.balance_transaction.net) == (True, 1000, 1000 - 29 - 30)
    sums = sandbox.control.sums(order=order)
    assert (sums.charges, sums.money_in, sums.money_back) == (1, {"usd": 1000}, {})
    (arrival,) = sandbox.control.arrivals(order=order)
    assert arrival.executed and arrival.fields["key"] and KEY not in str(arrival)


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
    ],
)
def test_a_card_that_is_declined_moves_no_money_and_another_can_be_tried(
    sandbox: Sandbox, card: str, code: str, decline_code: str
) -> None:
    with pytest.raises(stripe.CardError) as declined:
        pay(sandbox, payment_method=card, off_session=True)
    error: Any = declined.value.error
    assert (declined.value.code, error.decline_code) == (code, decline_code)
    assert error.payment_intent.status == "requires_payment_method"
    assert sandbox.control.sums().charges == 0
    again = sandbox.stripe.v1.payment_intents.confirm(error.payment_intent.id, {"payment_method": "pm_card_visa"})
    assert again.status == "succeeded" and again.last_payment_error is None
    assert sandbox.control.sums().money_in == {"usd": 1000}


@pytest.mark.parametrize(("how", "status"), [("ok", "succeeded"), ("fail", "requires_payment_method")])
@pytest.mark.parametrize(
    ("card", "verb", "waits"),
    [
        ("pm_card_authenticationRequired", "authenticate", "requires_action"),
        ("pm_card_visa_processing", "finish", "processing"),
    ],
)
def test_some_payments_are_decided_later(
    sandbox: Sandbox, card: str, verb: str, waits: str, how: str, status: str
) -> None:
    intent = pay(sandbox, payment_method=card)
    assert intent.status == waits
    sandbox.control.act(payment_intent=intent.id, **{verb: how})
    assert sandbox.stripe.v1.payment_intents.retrieve(intent.id).status == status


def test_a_payment_that_is_canceled_cannot_be_confirmed(sandbox: Sandbox) -> None:
    intent = pay(sandbox, confirm=False)
    assert sandbox.stripe.v1.payment_intents.cancel(intent.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sandbox.stripe.v1.payment_intents.confirm(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"


@pytest.mark.parametrize(
    ("changed", "code", "param"),
    [
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": "10.5"}, "parameter_invalid_integer", "amount"),
        ({"amount": 5123, "currency": "kwd"}, "parameter_invalid_integer", "amount"),
        ({"amount": None}, "parameter_missing", "amount"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"customer": "cus_nobody"}, "resource_missing", "customer"),
        ({"payment_method": "4242424242424242"}, None, "payment_method"),
    ],
)
def test_what_is_wrong_is_refused_and_not_carried_out(
    sandbox: Sandbox, changed: dict[str, Any], code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay(sandbox, **changed)
    assert (refused.value.code, refused.value.param, refused.value.http_status) == (code, param, 400)
    assert [arrival.executed for arrival in sandbox.control.arrivals()] == [False]


def test_amounts_are_whole_numbers_of_the_smallest_unit_of_every_currency(sandbox: Sandbox) -> None:
    for amount, currency in ((1999, "usd"), (500, "jpy"), (5120, "kwd")):
        pay(sandbox, amount=amount, currency=currency)
    assert sandbox.control.sums().money_in == {"usd": 1999, "jpy": 500, "kwd": 5120}


def test_what_is_not_there_says_so_by_name(sandbox: Sandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"Unrecognized request URL \(GET: /v1/topups\)"):
        sandbox.stripe.v1.topups.list()
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent: 'pi_none'"):
        sandbox.stripe.v1.payment_intents.retrieve("pi_none")


def test_lists_come_in_pages_newest_first(sandbox: Sandbox) -> None:
    made = [pay(sandbox).id for _ in range(7)]
    sandbox.control.settings(max_page=3)
    listed = sandbox.stripe.v1.payment_intents.list({"limit": 100, "expand": ["data.latest_charge"]})
    assert len(listed.data) == 3 and listed.has_more
    found = list(listed.auto_paging_iter())
    assert [intent.id for intent in found] == made[::-1]
    assert all(isinstance(intent.latest_charge, stripe.Charge) for intent in found)
    assert sandbox.stripe.v1.payment_intents.list({"created": {"lt": found[-1].created}}).data == []


def test_the_sdk_works_without_blocking_too(sandbox: Sandbox, addresses: Addresses) -> None:
    async def pay_and_look() -> tuple[str, list[str]]:
        client = StripeClient(KEY, base_addresses={"api": addresses.url}, max_network_retries=0)
        said: Any = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
        intent = await client.v1.payment_intents.create_async(said)
        listed = await client.v1.payment_intents.list_async()
        return intent.id, [one.id for one in listed.data]

    made, listed = asyncio.run(pay_and_look())
    assert listed == [made]


# Idempotency


def test_a_request_with_a_known_key_is_answered_again_and_not_carried_out_again(sandbox: Sandbox) -> None:
    first, second = pay(sandbox, "key-1"), pay(sandbox, "key-1")
    assert first.last_response.body == second.last_response.body
    headers: Any = second.last_response.headers
    assert (headers["Idempotency-Key"], headers["Idempotent-Replayed"]) == ("key-1", "true")
    arrivals = sandbox.control.arrivals(key="key-1")
    assert [(one.executed, one.fields["replayed"]) for one in arrivals] == [(True, False), (False, True)]
    assert sandbox.control.sums().charges == 1


def test_a_key_of_another_request_is_refused(sandbox: Sandbox) -> None:
    pay(sandbox, "key-1")
    with pytest.raises(stripe.IdempotencyError) as refused:
        pay(sandbox, "key-1", amount=2000)
    assert refused.value.http_status == 400
    assert sandbox.control.sums().money_in == {"usd": 1000}


def test_a_key_whose_request_is_in_flight_is_refused_for_now(
    sandbox: Sandbox, apart: Callable[..., "Future[Any]"]
) -> None:
    fault = sandbox.control.arm("hold_before", match={"key": "key-1"})
    first = apart(pay, sandbox, "key-1")
    fault.await_waiting()
    with pytest.raises(stripe.APIError) as refused:
        pay(sandbox, "key-1")
    assert (refused.value.http_status, refused.value.error.code) == (409, "idempotency_key_in_use")
    fault.release()
    assert first.result().id == pay(sandbox, "key-1").id
    assert sandbox.control.sums().charges == 1


def test_a_decline_is_kept_and_a_request_that_was_wrong_is_not(sandbox: Sandbox) -> None:
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            pay(sandbox, "key-1", payment_method="pm_card_chargeDeclined")
    assert [arrival.executed for arrival in sandbox.control.arrivals()] == [True, False]
    with pytest.raises(stripe.InvalidRequestError):
        pay(sandbox, "key-2", amount=0)
    assert pay(sandbox, "key-2").status == "succeeded"


def test_a_key_that_has_run_out_charges_again(sandbox: Sandbox) -> None:
    first = pay(sandbox, "key-1")
    sandbox.control.forget_keys("key-1")
    assert pay(sandbox, "key-1").id != first.id
    assert sandbox.control.sums().charges == 2


# Faults


def test_a_reply_that_is_lost_after_the_charge_is_had_by_asking_again(sandbox: Sandbox) -> None:
    order = {"metadata": {"order": next(ORDERS)}}
    fault = sandbox.control.arm("drop_after", match={"order": order["metadata"]["order"]})
    with pytest.raises(stripe.APIConnectionError):
        pay(sandbox, "key-1", **order)
    assert len(fault.await_hits()) == 1
    assert sandbox.control.sums().charges == 1
    assert pay(sandbox, "key-1", **order).status == "succeeded"
    assert sandbox.control.sums().charges == 1


def test_a_charge_whose_reply_is_held_is_replayed_meanwhile(
    sandbox: Sandbox, apart: Callable[..., "Future[Any]"]
) -> None:
    fault = sandbox.control.arm("hold_after", match={"path": "/v1/payment_intents"})
    held = apart(pay, sandbox, "key-1")
    (arrival,) = fault.await_waiting()
    assert arrival.executed and sandbox.control.sums().charges == 1
    other = pay(sandbox, "key-1")
    fault.release(arrival.seq)
    assert held.result().id == other.id


@pytest.mark.parametrize(
    ("status", "when", "kept", "charges"),
    [(500, "before", True, 0), (503, "before", False, 1), (429, "before", False, 1), (500, "after", False, 1)],
)
def test_a_refusal_is_an_error_of_the_api(sandbox: Sandbox, status: int, when: str, kept: bool, charges: int) -> None:
    fault = sandbox.control.arm("status", status=status, when=when, headers={"Stripe-Should-Retry": "false"})
    with pytest.raises((stripe.APIError, stripe.RateLimitError)) as refused:
        pay(sandbox, "key-1")
    assert refused.value.http_status == status
    fault.await_hits()
    if kept:  # as an error in the middle of the work is
        with pytest.raises(stripe.APIError):
            pay(sandbox, "key-1")
    else:
        pay(sandbox, "key-1")
    assert sandbox.control.sums().charges == charges


# Refunds


def test_a_payment_is_refunded_in_parts_and_no_more(sandbox: Sandbox) -> None:
    intent = pay(sandbox)
    for amount in (300, 700):
        assert sandbox.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": amount}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sandbox.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 1})
    assert refused.value.code == "charge_already_refunded"
    sums = sandbox.control.sums()
    assert (sums.refunds, sums.money_back) == (2, {"usd": 1000})
    charge: Any = sandbox.stripe.v1.charges.list({"payment_intent": intent.id}).data[0]
    assert (charge.refunded, charge.amount_refunded) == (True, 1000)


def test_too_much_is_refunded_only_when_the_sandbox_is_told_not_to_mind(sandbox: Sandbox) -> None:
    intent = pay(sandbox)
    with pytest.raises(
        stripe.InvalidRequestError, match=r"\(1001\) is greater than unrefunded amount on charge \(1000"
    ):
        sandbox.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 1001})
    sandbox.control.settings(over_refunds="accept")
    for _ in range(2):
        sandbox.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 600})
    assert sandbox.control.sums().money_back == {"usd": 1200}


@pytest.mark.parametrize("end", ["succeeded", "failed", "canceled", "requires_action"])
def test_a_refund_that_is_pending_ends_as_the_bank_says(sandbox: Sandbox, end: str) -> None:
    sandbox.control.settings(refunds="pending")
    intent = pay(sandbox)
    refund = sandbox.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 600})
    assert refund.status == "pending"
    sandbox.control.act(refund=refund.id, finish=end)
    assert sandbox.stripe.v1.refunds.retrieve(refund.id).status == end
    back = {} if end in ("failed", "canceled") else {"usd": 600}
    assert sandbox.control.sums().money_back == back


@pytest.mark.parametrize(("end", "booked"), [("won", 1000), ("lost", 0)])
def test_a_dispute_takes_the_money_and_is_won_or_lost(sandbox: Sandbox, end: str, booked: int) -> None:
    intent = pay(sandbox, payment_method="pm_card_createDispute")
    (dispute,) = sandbox.stripe.v1.disputes.list({"payment_intent": intent.id}).data
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sandbox.stripe.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_disputed"
    sandbox.control.act(payment_intent=intent.id, dispute=end)
    assert sandbox.stripe.v1.disputes.retrieve(dispute.id).status == end
    entries = sandbox.stripe.v1.balance_transactions.list().auto_paging_iter()
    assert sum(entry.amount for entry in entries) == booked


def test_a_refund_on_the_page_is_told_as_any_other(sandbox: Sandbox) -> None:
    refund = sandbox.control.act(payment_intent=pay(sandbox).id, refund=300)
    assert (refund["status"], sandbox.stripe.v1.refunds.retrieve(refund["id"]).amount) == ("succeeded", 300)
    assert [event.type for event in sandbox.stripe.v1.events.list({"limit": 2}).data] == [
        "charge.refunded",
        "refund.created",
    ]


# Webhooks


def test_every_body_that_is_delivered_is_signed_and_tells_an_event(sandbox: Sandbox, node: Receiver) -> None:
    order = next(ORDERS)
    intent = pay(sandbox, metadata={"order": order})
    sandbox.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 300})
    types = {
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "refund.created",
        "charge.refunded",
    }
    attempts = _delivered(sandbox, len(types), order=order)
    assert {attempt.type for attempt in attempts} == types
    events = [_event(body, signature) for body, signature in node.received]
    assert {event.id for event in events} == {event.id for event in sandbox.stripe.v1.events.list().data}
    assert {attempt.body for attempt in attempts} == {hashlib.sha256(body).hexdigest() for body, _ in node.received}
    (refunded,) = [body for body, _ in node.received if b'"charge.refunded"' in body]
    assert json.loads(refunded)["data"]["previous_attributes"] == {"amount_refunded": 0, "refunded": False}
    assert b'\n  "object": "event"' in node.received[0][0]  # indented


def test_an_event_that_is_not_taken_is_delivered_again_to_the_other_node(sandbox: Sandbox, node: Receiver) -> None:
    sandbox.control.settings(retry_s=[0.05, 0.05])
    with receiver() as other:
        sandbox.control.send_webhooks_to(
            Endpoint("node-1", node.url, [SECRET]), Endpoint("node-2", other.url, [SECRET])
        )
        node.answer = lambda number: 302
        pay(sandbox, confirm=False)
        attempts = _delivered(sandbox, 2, type="payment_intent.created")
        assert [(one.node, one.status, one.number, one.taken) for one in attempts] == [
            ("node-1", 302, 1, False),
            ("node-2", 200, 2, True),
        ]


def test_an_event_is_given_up_after_the_last_attempt(sandbox: Sandbox, node: Receiver) -> None:
    sandbox.control.settings(retry_s=[0.01, 0.01])
    node.answer = lambda number: 500
    pay(sandbox, confirm=False)
    assert [one.number for one in _delivered(sandbox, 3)] == [1, 2, 3]
    assert not poll(lambda: len(node.received) > 3, 0.2)


def test_events_go_to_all_nodes_if_told_so(sandbox: Sandbox, node: Receiver) -> None:
    sandbox.control.settings(deliver_to="all")
    with receiver() as other:
        sandbox.control.send_webhooks_to(
            Endpoint("node-1", node.url, [SECRET]), Endpoint("node-2", other.url, [SECRET])
        )
        pay(sandbox, confirm=False)
        assert sorted(one.node for one in _delivered(sandbox, 2)) == ["node-1", "node-2"]


def test_events_are_held_and_go_in_the_order_that_is_asked_for(sandbox: Sandbox, node: Receiver) -> None:
    order = next(ORDERS)
    sandbox.control.hold_events(order=order)
    pay(sandbox, metadata={"order": order})
    pay(sandbox, metadata={"order": "another"}, confirm=False)
    assert [one.order for one in _delivered(sandbox, 1)] == ["another"]
    created, charged, succeeded = [event["id"] for event in sandbox.control.held_events()]
    attempts = sandbox.control.release_events([[succeeded], [charged, charged], [created]], to=["node-1"])
    assert [one.event for one in attempts] == [succeeded, charged, charged, created]
    assert [_event(*one).id for one in node.received[1:]] == [succeeded, charged, charged, created]
    assert sandbox.control.held_events() == []
    sandbox.control.let_events_go()
    pay(sandbox, metadata={"order": order}, confirm=False)
    assert len(_delivered(sandbox, 5, order=order)) == 5


@pytest.mark.parametrize(
    ("how", "verified"),
    [
        ({}, True),
        ({"sign": "both"}, True),
        ({"sign": "other"}, False),
        ({"sign": "none"}, False),
        ({"sign": "v0"}, False),
        ({"sign": "empty"}, False),
        ({"sign": {"offset_s": -301}}, False),
        ({"sign": {"offset_s": 3600}}, True),  # the SDK takes it; a platform may be stricter
        ({"flip_byte": 30}, False),
        ({"patch": {"livemode": True, "data": {"object": {"amount": 1}}}}, True),
    ],
)
def test_a_delivery_is_signed_as_told(sandbox: Sandbox, node: Receiver, how: dict[str, Any], verified: bool) -> None:
    body, signature = _one_delivery(sandbox, node, how)
    try:
        event = _event(body, signature)
    except stripe.SignatureVerificationError:
        assert not verified
        return
    assert verified
    if "patch" in how:
        assert (event.livemode, event.data.object["amount"], event.data.object["currency"]) == (True, 1, "usd")


def test_a_delivery_can_be_what_trips_a_careless_handler(sandbox: Sandbox, node: Receiver) -> None:
    with pytest.raises(TypeError):
        _event(*_one_delivery(sandbox, node, {"sign": "nonascii"}))
    for raw in ("null", "5", "[1]"):
        with pytest.raises(AttributeError):
            _event(*_one_delivery(sandbox, node, {"raw": raw}))


def test_both_secrets_are_live_while_one_is_rolled(sandbox: Sandbox, node: Receiver) -> None:
    sandbox.control.send_webhooks_to(Endpoint("node-1", node.url, [SECRET, OLD_SECRET]))
    body, signature = _one_delivery(sandbox, node, {})
    for secret in (SECRET, OLD_SECRET):
        assert stripe.Webhook.construct_event(body, signature, secret).type == "payment_intent.created"


def test_an_event_is_delivered_many_times_at_once(sandbox: Sandbox, node: Receiver) -> None:
    node.wait_s = 0.2
    pay(sandbox, confirm=False)
    (first,) = _delivered(sandbox, 1)
    attempts = sandbox.control.deliver(first.event, times=5)
    assert [one.status for one in attempts] == [200] * 5
    assert max(one.at for one in attempts) < min(one.at + one.took_s for one in attempts)


# What the suite changes in the books


def test_payments_are_planted_changed_and_removed_without_an_event(sandbox: Sandbox, node: Receiver) -> None:
    kept, gone = pay(sandbox), pay(sandbox)
    _delivered(sandbox, 6)
    extra = sandbox.control.plant(add={"amount": 500, "currency": "jpy", "metadata": {"order": "extra"}})
    sandbox.control.plant(change=kept.id, set={"amount": 1001, "currency": "eur"})
    sandbox.control.plant(remove=gone.id)
    assert [one.id for one in sandbox.stripe.v1.payment_intents.list().data] == [extra["id"], kept.id]
    assert sandbox.control.sums().money_in == {"jpy": 500, "eur": 1001}
    changed: Any = sandbox.stripe.v1.payment_intents.retrieve(kept.id, {"expand": ["latest_charge"]})
    assert (changed.amount_received, changed.latest_charge.amount, changed.latest_charge.currency) == (
        1001,
        1001,
        "eur",
    )
    assert len(node.received) == 6
    sandbox.control.plant(change=kept.id, set={"status": "canceled"}, event="payment_intent.canceled")
    assert len(_delivered(sandbox, 1, type="payment_intent.canceled")) == 1


def test_books_that_do_not_add_up_are_told(sandbox: Sandbox) -> None:
    charge = pay(sandbox).latest_charge
    sandbox.control.plant(change=charge, set={"amount_captured": 1})
    with pytest.raises(ProbeError, match="do not add up"):
        sandbox.control.see_that_the_books_add_up()
    sandbox.control.plant(change=charge, set={"amount_captured": 1000})


def test_what_the_sandbox_cannot_do_is_told(sandbox: Sandbox) -> None:
    for wrong in ({"refund": "re_none", "finish": "ok"}, {"weather": "fine"}):
        with pytest.raises(ProbeError, match="payment-sandbox refused POST /act: 400"):
            sandbox.control.act(**wrong)
    with pytest.raises(ProbeError, match="there is no setting colour; there are"):
        sandbox.control.settings(colour="red")
    with pytest.raises(ProbeError, match="refunds is one of now, pending, not 'later'"):
        sandbox.control.settings(refunds="later")
    with pytest.raises(ProbeError, match="there is no colour; there are type, order, customer"):
        sandbox.control.hold_events(colour="red")
    with pytest.raises(ProbeError, match="there is no colour; there are type, order, customer, event, node"):
        sandbox.control.deliveries(colour="red")


def _delivered(sandbox: Sandbox, count: int, **match: str) -> list[Attempt]:
    """The attempts to deliver, once there are `count`."""
    assert poll(lambda: len(sandbox.control.deliveries(**match)) >= count, 5), sandbox.control.deliveries()
    return sandbox.control.deliveries(**match)


def _one_delivery(sandbox: Sandbox, node: Receiver, how: dict[str, Any]) -> tuple[bytes, str | None]:
    """What arrives when an event is delivered as `how` says."""
    before = len(sandbox.control.deliveries())
    pay(sandbox, confirm=False)
    sandbox.control.deliver(_delivered(sandbox, before + 1)[-1].event, **how)
    return node.received[-1]


def _event(body: bytes, signature: str | None) -> stripe.Event:
    event: stripe.Event = stripe.Webhook.construct_event(body, signature, SECRET)
    assert json.loads(body)["id"] == event.id
    return event
