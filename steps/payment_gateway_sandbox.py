"""Sentences of payments."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from behave import given, then, when
from behave.model import Table

from support.capabilities.payment_gateway_sandbox.client import Card, Money, Outcome
from support.promise import must
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.payment_gateway_sandbox.world import World

USD = "USD"
REFUSED = (Outcome.CONFLICT, Outcome.FORBIDDEN, Outcome.INVALID, Outcome.NOT_FOUND)


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"
    table: Any


def column(table: Table, name: str) -> list[str]:
    """The values of one column."""
    return [row[name] for row in table]


def rows(table: Table) -> list[dict[str, str]]:
    """The rows, by their headings."""
    return [row.as_dict() for row in table]


def named(text: str) -> str:
    """What an enum calls "without funds"."""
    return text.upper().replace(" ", "_")


@given("two nodes that take payments")
def two_nodes(context: Context) -> None:
    context.world.expect_nodes_well()


@given("an order of {amount:S} {currency:w}")
def order(context: Context, amount: str, currency: str) -> None:
    context.world.place(Decimal(amount), currency)


@given("an order of {amount:S} {currency:w} that is paid")
def paid_order(context: Context, amount: str, currency: str) -> None:
    context.world.refunds.trust_the_platform()
    context.world.refunds.pay(Money(Decimal(amount), currency))


@given('an order of {amount:S} {currency:w} that was paid with the key "{key:w}"')
def order_paid_with_key(context: Context, amount: str, currency: str, key: str) -> None:
    bill = context.world.place(Decimal(amount), currency)
    context.world.pay_until_told(bill, key=key)
    context.world.expect_told(bill, Outcome.DONE)


# Once


@when(
    "it is paid {count:Count} times at once with one key, "
    "and once more through each node after the provider forgot the key"
)
def pay_at_once(context: Context, count: int) -> None:
    context.world.pay_at_once_and_later(context.world.bill, count, context.world.fresh("key"))


@when("it is paid again through the second node, without a key and with another one, and the provider answers")
def pay_meanwhile(context: Context) -> None:
    context.world.pay_meanwhile(context.world.bill)


@given("the provider, which tells of nothing, has charged it for the first node, and has not answered yet")
def charged_in_silence(context: Context) -> None:
    context.world.bank.fall_silent()
    context.world.bank.charge_without_answering(context.world.bill, context.world.nodes[0])


@given("the provider answers, and {pause:Duration} go by")
def answer_in_vain(context: Context, pause: float) -> None:
    context.world.bank.answer_in_vain(pause)


@when("an order is paid by each of several keys that look alike, also such that was paid without one before")
def pay_by_keys(context: Context) -> None:
    context.world.keys.pay_by_each()


@then("each order was charged once, and its customer told so")
def one_payment_each(context: Context) -> None:
    context.world.keys.expect_one_payment_each()


@then("at the other node each key gives the same receipt again, and pays for no other order")
def keys_known(context: Context) -> None:
    context.world.keys.expect_known()


@then("another customer can use the same keys")
def keys_free_for_others(context: Context) -> None:
    context.world.keys.expect_free_for_others()


@given("orders of 19.99 USD, each paid by a card of which the bank decides later")
def pay_undecided(context: Context) -> None:
    context.world.undecided.begin(rows(context.table))


@given("each customer was told to confirm, or to wait, and nothing is charged")
def told_to_wait(context: Context) -> None:
    context.world.undecided.expect_waiting()


@when("each is paid again a day later, then by another card, and then it is decided")
def pay_undecided_again(context: Context) -> None:
    context.world.undecided.pay_again_and_decide()


@then("within {deadline:Duration} what the bank paid counts as paid, and was charged once")
def decided_paid(context: Context, deadline: float) -> None:
    context.world.undecided.expect_paid(deadline)


@then("what it refused can be paid by another card")
def refused_payable(context: Context) -> None:
    context.world.undecided.expect_payable()


@given("a charge, a refund and a subscription that the provider has made for the first node, and not answered yet")
def not_answered_yet(context: Context) -> None:
    context.world.under_way.begin()


@given("they have been under way for {hours:Count} hours, and another charge for {others:Count}")
def long_under_way(context: Context, hours: int, others: int) -> None:
    context.world.under_way.grow_old(hours, others)


@when("the provider answers again")
def answer_again(context: Context) -> None:
    context.world.under_way.answer_again()


@when("each is asked for again through the second node, and the provider answers")
def ask_again(context: Context) -> None:
    context.world.under_way.ask_again()


@then("within {deadline:Duration} the platform's books have each of the three")
def under_way_known(context: Context, deadline: float) -> None:
    context.world.under_way.expect_known(deadline)


@then("each of the three was made once")
@then("each of the four was made once")
def made_once(context: Context) -> None:
    context.world.under_way.expect_made_once()


@when("each of these is asked for, while it is once too busy, loses its answer once, and once answers by an error")
def ask_in_trouble(context: Context) -> None:
    context.world.troubles.do(column(context.table, "deed"))


@then("within 10 s each was done, once, and whoever asked was told so")
def done_once(context: Context) -> None:
    context.world.troubles.expect_done()


@given("{count:Count} orders of {amount:S} {currency:w} of which the provider answers no request to charge them")
def hang_charges(context: Context, count: int, amount: str, currency: str) -> None:
    context.world.bank.hang([context.world.place(Decimal(amount), currency) for _ in range(count)])


@when("each is paid, and another customer pays at the same node meanwhile")
def pay_beside(context: Context) -> None:
    context.world.pay_beside()


@then("within {deadline:Duration} each customer is told that the outcome is not known yet")
def told_in_time(context: Context, deadline: float) -> None:
    context.world.expect_told_in_time(deadline)


@then("the other one was told within {deadline:Duration} that theirs is paid")
def other_paid(context: Context, deadline: float) -> None:
    context.world.expect_other_paid(deadline)


@then("once the provider answers again, all orders count as paid within {deadline:Duration}")
def paid_after_all(context: Context, deadline: float) -> None:
    context.world.bank.recover()
    context.world.webhooks.expect_all_paid(deadline)


@then("each was charged once")
def each_charged_once(context: Context) -> None:
    for_each(context.world.bills, context.world.expect_charged_once)


@given("the provider tells of no event")
def tell_nothing(context: Context) -> None:
    context.world.bank.fall_silent()


@then("every answer is the same receipt")
def same_receipt(context: Context) -> None:
    context.world.expect_same_receipt(context.world.bill)


@then("the order was charged once")
def charged_once(context: Context) -> None:
    context.world.expect_charged_once(context.world.bill)


@then("all accounts agree")
def accounts_agree(context: Context) -> None:
    """Of each order of the scenario: the provider's books, the platform's by SQL, and what the customer is told."""
    context.world.expect_agreement()


@then("within {deadline:Duration} the order counts as paid")
def settled_within(context: Context, deadline: float) -> None:
    context.world.expect_settled(context.world.bill, deadline)


@then("the order counts as paid")
def settled(context: Context) -> None:
    context.world.expect_settled(context.world.webhooks.late or context.world.bill, 0)


@then("the order does not count as paid")
def not_settled(context: Context) -> None:
    must(not context.world.books.settled(context.world.bill.order.id), "the order counts as paid")


# Payments that fail


@when("orders are paid by these cards, each through both nodes with one key")
def pay_by_cards(context: Context) -> None:
    context.world.pay_with_each([Card[named(card)] for card in column(context.table, "card")])


@then("each customer is told just that both times, and nothing is charged")
def told_why(context: Context) -> None:
    context.world.expect_each_told([Outcome.DECLINED, Outcome.WITHOUT_FUNDS, Outcome.EXPIRED])


@then("each order can be paid by another card")
def can_be_paid(context: Context) -> None:
    context.world.expect_payable()


# Events


@given("an order whose payment was decided, which no node has heard of yet")
@given("an order whose payment was decided, of which no event will come")
def decided_unheard(context: Context) -> None:
    context.world.webhooks.late = context.world.webhooks.prepare()


@given("a refund on the provider's page, a dispute and the end of a subscription, which no node has heard of yet")
def others_unheard(context: Context) -> None:
    context.world.webhooks.prepare_others()


@then("within {deadline:Duration} the refund, the dispute and the end of the subscription have had their effects")
def others_known(context: Context, deadline: float) -> None:
    context.world.webhooks.expect_others_known(deadline)


@given("an order whose payment the bank has not decided")
def undecided(context: Context) -> None:
    context.world.bank.begin(context.world.place(Decimal("19.99"), USD))


@when("the event that it is paid comes to both nodes, but")
def forge(context: Context) -> None:
    context.world.webhooks.forge(column(context.table, "forgery"))


@then("each of them is refused")
def forgeries_refused(context: Context) -> None:
    context.world.webhooks.expect_refused()


@then("the order does not count as paid until the true event has come")
def paid_by_true_event(context: Context) -> None:
    must(not context.world.books.settled(context.world.bill.order.id), "the order counts as paid")
    context.world.webhooks.deliver_again(1)
    context.world.expect_settled(context.world.bill, 5)


@when("these come to both nodes, rightly signed")
def talk_nonsense(context: Context) -> None:
    context.world.webhooks.talk_nonsense(column(context.table, "event"))


@then("no node answers by an error of its own")
def no_errors(context: Context) -> None:
    context.world.webhooks.expect_no_error()


@when("the payments of three orders are decided, signed by the old secret, by the new one, and by both")
def replace_secret(context: Context) -> None:
    context.world.webhooks.replace_secret()


@then("within {deadline:Duration} all orders count as paid")
def all_settled(context: Context, deadline: float) -> None:
    context.world.webhooks.expect_all_paid(deadline)


@when("a node without a secret starts, and is given the event")
def start_without_secret(context: Context) -> None:
    context.world.webhooks.start_node_without_secret()


@then("no node had said meanwhile that an event was taken")
@then("it has taken none")
def none_taken(context: Context) -> None:
    context.world.webhooks.expect_none_taken()


@when("the event that it is paid comes {count:Count} times at once")
def deliver_often(context: Context, count: int) -> None:
    context.world.webhooks.deliver_again(count)


@then("every delivery is taken")
def all_taken(context: Context) -> None:
    context.world.webhooks.expect_taken()


@when("four events about an order of 19.99 USD, of which 5.00 USD were refunded, come in each of 24 orders, twice each")
def deliver_in_every_order(context: Context) -> None:
    context.world.webhooks.deliver_in_every_order()


@then("all orders count as paid, and {amount:S} {currency:w} of each as refunded")
def all_refunded(context: Context, amount: str, currency: str) -> None:
    context.world.webhooks.expect_all_paid(1)
    context.world.webhooks.expect_all_refunded(Money(Decimal(amount), currency))


@given("the provider has sent its events, and sends again what is not taken")
def send_events(context: Context) -> None:
    context.world.webhooks.redeliver_often()
    context.world.webhooks.send()


@when("the first node is killed in the middle of taking the event")
def kill_while_taking(context: Context) -> None:
    context.world.webhooks.kill_while_it_is_taken(context.world.nodes[0].name)


# Refunds


@given("orders of these amounts that are paid")
def paid_orders(context: Context) -> None:
    context.world.refunds.trust_the_platform()
    for row in rows(context.table):
        context.world.refunds.pay(Money(Decimal(row["amount"]), row["currency"]))


@when("some of each is given back, the same again, some on the provider's page, too much, and then the rest")
def refund_parts(context: Context) -> None:
    """Each operator is told just what the suite's own count of what is left says."""
    context.world.parts.give_back()


@then("all that was paid has gone back, and no more")
def all_back(context: Context) -> None:
    context.world.parts.expect_all_back()


@then("within {deadline:Duration} {amount:S} {currency:w} count as refunded")
def refunded_within(context: Context, deadline: float, amount: str, currency: str) -> None:
    context.world.refunds.expect_refunded(Money(Decimal(amount), currency), deadline)


@when("{amount:S} {currency:w} are refunded through each node at the same time")
def race_refunds(context: Context, amount: str, currency: str) -> None:
    context.world.refunds.race(Money(Decimal(amount), currency))


@then("one operator is told that it is refunded, and the other that it is not")
def one_refunded(context: Context) -> None:
    context.world.refunds.expect_told(Outcome.DONE, Outcome.CONFLICT)


@then("{amount:S} {currency:w} have gone back")
def gone_back(context: Context, amount: str, currency: str) -> None:
    context.world.refunds.expect_back(Money(Decimal(amount), currency))


@given("three orders of {amount:S} {currency:w} that are paid")
def three_paid_orders(context: Context, amount: str, currency: str) -> None:
    context.world.refunds.pay(Money(Decimal(amount), currency))
    context.world.refunds.pay(Money(Decimal(amount), currency))
    context.world.refunds.pay(Money(Decimal(amount), currency))


@given("a refund of {amount:S} {currency:w} of each is under way, beside which no other {same:S} USD can be refunded")
def pending_refunds(context: Context, amount: str, currency: str, same: str) -> None:
    context.world.refunds.let_pend(Money(Decimal(amount), currency), Money(Decimal(same), currency))
    context.world.refunds.expect_told_in_order(*[Outcome.NOT_KNOWN, Outcome.CONFLICT] * 3)


@when("one refund fails at the bank, one is canceled there, and the last one is made")
def end_refunds(context: Context) -> None:
    context.world.refunds.end("failed", "canceled", "succeeded")


@then("within {deadline:Duration} nothing of the first two counts as refunded, and {amount:S} {currency:w} can be")
def refundable_again(context: Context, deadline: float, amount: str, currency: str) -> None:
    context.world.refunds.expect_refundable(Money(Decimal(amount), currency), deadline)


@given("four orders of {amount:S} {currency:w} of one customer, that are paid")
def four_paid_orders(context: Context, amount: str, currency: str) -> None:
    context.world.refunds.trust_the_platform()
    for _ in range(4):
        context.world.refunds.pay(Money(Decimal(amount), currency))


@given(
    "the customer's bank has disputed three of the payments, which the platform's books know within {deadline:Duration}"
)
def disputed_before(context: Context, deadline: float) -> None:
    context.world.refunds.dispute_each(context.world.bills[:3], deadline)


@when("one dispute is won, one is lost, and one goes on")
def end_disputes(context: Context) -> None:
    won, lost, *_ = context.world.bills
    context.world.refunds.end_disputes({"won": won, "lost": lost})


@then("within {deadline:Duration} the platform's books have back what was won, and nothing else")
def money_back(context: Context, deadline: float) -> None:
    won, *gone = context.world.bills[:3]
    context.world.refunds.expect_disputed(won, deadline, won=True)
    for bill in gone:
        context.world.refunds.expect_disputed(bill, 0)


@then("what was won, or never disputed, can be given back, and the rest is not, before that and after")
def refunds_beside_disputes(context: Context) -> None:
    won, lost, open_, free = context.world.bills
    context.world.refunds.ask_for_all([lost, open_, free, won, lost, open_])
    no, done = Outcome.CONFLICT, Outcome.DONE
    context.world.refunds.expect_told_in_order(no, no, done, done, no, no)


@then("no refund of what is gone was asked for")
def none_asked(context: Context) -> None:
    _, lost, open_, _ = context.world.bills
    context.world.refunds.expect_none_asked(lost)
    context.world.refunds.expect_none_asked(open_)


# Subscriptions


@given("a subscriber to the {plan:w} plan since {day:S}, with a trial of {days:Count} days")
def subscribe_on_trial(context: Context, plan: str, day: str, days: int) -> None:
    context.world.subscriptions.begin(day, plan, days)


@given("a subscriber to the {plan:w} plan since {day:S}")
@given("another subscriber to the {plan:w} plan since {day:S}")
def subscribe(context: Context, plan: str, day: str) -> None:
    context.world.subscriptions.begin(day, plan)


@given("the subscriber has paid until {day:S}")
def pays_until(context: Context, day: str) -> None:
    context.world.subscriptions.wind_to_the_eve_of(day)


@then("the subscriber has access")
def access_by_day(context: Context) -> None:
    context.world.subscriptions.expect_access_by_day(rows(context.table))


@then("the subscriber was charged {amount:S} USD in all")
def subscriber_charged(context: Context, amount: str) -> None:
    context.world.subscriptions.expect_charged(Decimal(amount))


@then("each of the two was charged {amount:S} USD in all")
def both_charged(context: Context, amount: str) -> None:
    context.world.subscriptions.expect_charged(Decimal(amount), Decimal(amount))


@given("on {day:S} at noon a change to the {plan:w} plan was quoted")
def quote(context: Context, day: str, plan: str) -> None:
    context.world.subscriptions.ask_quote(plan, day)


@given("the subscriber's card fails from now on")
@when("the subscriber's card fails from then on")
def card_fails(context: Context) -> None:
    context.world.subscriptions.fail_from_now_on()


@when("the other subscriber changes to the {plan:w} plan for that quote")
def change_plan(context: Context, plan: str) -> None:
    context.world.subscriptions.change(plan)


@when("the subscriber changes to the {plan:w} plan {hours:Count} hours later")
def change_plan_late(context: Context, plan: str, hours: int) -> None:
    context.world.subscriptions.change(plan, hours)


@then("the change is refused")
def change_refused(context: Context) -> None:
    context.world.subscriptions.expect_told(*REFUSED)


@then("the invoice is what was quoted")
def invoiced_as_quoted(context: Context) -> None:
    context.world.subscriptions.expect_invoiced_as_quoted()


@then("the subscriber is told that the card was declined")
def change_declined(context: Context) -> None:
    context.world.subscriptions.expect_told(Outcome.DECLINED)


@then("they are told that they have subscribed")
def subscribed(context: Context) -> None:
    context.world.subscriptions.expect_told(Outcome.DONE)


@then("the subscriber has access to the {plan:w} plan")
@then("both have access to the {plan:w} plan")
def has_access(context: Context, plan: str) -> None:
    context.world.subscriptions.expect_access(plan)


@given("one cancels with the platform, the other on the provider's page, and the provider tells of that late")
def cancel(context: Context) -> None:
    context.world.subscriptions.cancel_each_way()


@when("time goes by until {day:S}, and what is late comes then")
def time_goes_by(context: Context, day: str) -> None:
    context.world.subscriptions.watch_until(day)


@then("both had access to the {plan:w} plan until {day:S}, and have none now")
def access_ended(context: Context, plan: str, day: str) -> None:
    context.world.subscriptions.expect_access_until(plan, day)


@when("somebody subscribes through the second node while the same is under way through the first")
def subscribe_twice(context: Context) -> None:
    context.world.subscriptions.subscribe_twice("basic")


@given("somebody's card was declined when they subscribed to the {plan:w} plan")
def subscribe_declined(context: Context, plan: str) -> None:
    context.world.subscriptions.begin_declined(plan)


@when("they subscribe by another card")
def subscribe_by_another_card(context: Context) -> None:
    context.world.subscriptions.begin_by_another_card()


@then("there is one subscription more")
def one_more(context: Context) -> None:
    context.world.subscriptions.expect_one_live()


# Amounts and mistakes


@when("orders of these lines are paid")
def pay_lines(context: Context) -> None:
    context.world.price(rows(context.table))


@then("each was charged just that")
def each_charged(context: Context) -> None:
    context.world.expect_charged()


@then("all of it can be given back, and is just that")
def can_go_back(context: Context) -> None:
    context.world.refunds.expect_all_can_go_back()


@given("orders of 19.99 USD whose payments the bank has not decided")
def undecided_orders(context: Context) -> None:
    context.world.leave_undecided(rows(context.table))


@when("the bank pays for them")
def bank_pays_otherwise(context: Context) -> None:
    context.world.pay_otherwise()


@then("within {deadline:Duration} the platform's books have just that for each")
def booked(context: Context, deadline: float) -> None:
    context.world.expect_all_booked(deadline)


@then("none of the orders counts as paid")
def none_settled(context: Context) -> None:
    context.world.webhooks.expect_none_paid()


@when("something is ordered at these prices")
def order_at_prices(context: Context) -> None:
    context.world.mistakes.order_for(rows(context.table))


@when("these are tried")
def try_mistakes(context: Context) -> None:
    context.world.mistakes.make(rows(context.table))


@then("each is refused as it says")
def refused_as_said(context: Context) -> None:
    context.world.mistakes.expect_refused()


# Reconciliation and secrets


@given("{count:Count} paid orders, among which are these differences to the provider's books")
def plant(context: Context, count: int) -> None:
    context.world.reconciliation.plant(column(context.table, "kind"), count)


@given("one more order that the provider has charged, and has not answered yet")
def one_under_way(context: Context) -> None:
    bill = context.world.place(Decimal("19.99"), USD)
    context.world.bank.charge_without_answering(bill, context.world.nodes[0])


@given("payments, refunds, a dispute and subscriptions of every other kind, of which no event has told")
def others_to_reconcile(context: Context) -> None:
    context.world.reconciliation.add_others()


@when("both nodes reconcile at the same time, and then one again")
def reconcile(context: Context) -> None:
    context.world.reconciliation.run()


@then("what no event had told of is known by now")
def others_settled(context: Context) -> None:
    context.world.reconciliation.expect_others_settled()


@then("each time exactly these differences are found, and each is kept once")
def found(context: Context) -> None:
    context.world.reconciliation.expect_found()


@when("orders are paid, refused and refunded, a card's number is typed by mistake, and events are forged")
def use_secrets(context: Context) -> None:
    context.world.secrecy.use_all()


@then("none of it is in a log or a table")
def nowhere(context: Context) -> None:
    context.world.secrecy.expect_nowhere()
