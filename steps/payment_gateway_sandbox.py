"""Sentences of payments."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from behave import given, then, when
from behave.model import Table

from support.capabilities.payment_gateway_sandbox.client import Card, Money, Outcome
from support.capabilities.payment_gateway_sandbox.moments import CHARGING, SUBSCRIBING
from support.promise import must

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


@given("the provider has charged it for the first node, and has not answered yet")
def charged_without_answer(context: Context) -> None:
    context.world.bank.charge_without_answering(context.world.bill, context.world.nodes[0])


@when("it is paid again through the second node, without a key and with another one, and the provider answers")
def pay_meanwhile(context: Context) -> None:
    context.world.pay_meanwhile(context.world.bill)


@given("the provider, which tells of nothing, has charged it for the first node, and has not answered yet")
def charged_in_silence(context: Context) -> None:
    context.world.bank.fall_silent()
    context.world.bank.charge_without_answering(context.world.bill, context.world.nodes[0])


@given("the provider is to charge it for the first node, and has not done so yet")
def charge_waits(context: Context) -> None:
    context.world.bank.leave_waiting(context.world.bill, context.world.nodes[0])


@given("the provider answers, and {pause:Duration} go by")
def answer_in_vain(context: Context, pause: float) -> None:
    context.world.bank.answer_in_vain(pause)


@when("it is paid again a day later, then by another card, and then all that asks for it is confirmed")
def pay_what_is_to_be_confirmed(context: Context) -> None:
    context.world.pay_what_is_to_be_confirmed(context.world.bill)


@given("the provider's answer to the charge will be lost")
def lose_answer(context: Context) -> None:
    context.world.bank.lose_answer(CHARGING, order=context.world.bill.order.id)


@when("it is paid until the customer is told what became of it")
def pay_until_told(context: Context) -> None:
    context.world.pay_until_told(context.world.bill)
    context.world.bank.see_it_hit()


@given("the provider has too much to do for the next {count:Count} requests to charge it")
def refuse_charges(context: Context, count: int) -> None:
    context.world.bank.refuse(context.world.bill, 429, count)


@given("the provider answers no request to charge it")
def hang_charges(context: Context) -> None:
    context.world.bank.hang(context.world.bill)


@when("it is paid, and another customer pays at the same node meanwhile")
def pay_beside(context: Context) -> None:
    context.world.pay_beside(context.world.bill)


@then("within {deadline:Duration} the customer is told that the outcome is not known yet")
def told_in_time(context: Context, deadline: float) -> None:
    context.world.expect_told_in_time(context.world.bill, deadline)


@then("the other one was told within {deadline:Duration} that theirs is paid")
def other_paid(context: Context, deadline: float) -> None:
    context.world.expect_other_paid(deadline)


@then("once the provider answers again, the order counts as paid within {deadline:Duration}")
def paid_after_all(context: Context, deadline: float) -> None:
    context.world.bank.recover()
    context.world.expect_settled(context.world.bill, deadline)


@given("the provider tells of no event")
def tell_nothing(context: Context) -> None:
    context.world.bank.fall_silent()


@then("every answer is the same receipt")
def same_receipt(context: Context) -> None:
    context.world.expect_same_receipt(context.world.bill)


@then("the order was charged once")
def charged_once(context: Context) -> None:
    context.world.expect_charged_once(context.world.bill)


@then("the customer was charged once")
def one_charge(context: Context) -> None:
    context.world.expect_one_charge(context.world.bill)


@then("all accounts agree")
def accounts_agree(context: Context) -> None:
    """Of each order of the scenario: the provider's books, the platform's by SQL, and what the customer is told."""
    context.world.expect_agreement()


@then("the customer is told that it is paid")
def told_paid(context: Context) -> None:
    context.world.expect_told(context.world.bill, Outcome.DONE)


@then("within {deadline:Duration} the order counts as paid")
def settled_within(context: Context, deadline: float) -> None:
    context.world.expect_settled(context.world.bill, deadline)


@then("the order counts as paid")
@then("the order of which no event came counts as paid")
def settled(context: Context) -> None:
    context.world.expect_settled(context.world.webhooks.late or context.world.bill, 0)


@then("the order does not count as paid")
def not_settled(context: Context) -> None:
    must(not context.world.books.settled(context.world.bill.order.id), "the order counts as paid")


# Payments that fail


@when("orders are paid by these cards")
def pay_by_cards(context: Context) -> None:
    context.world.pay_with_each([Card[named(card)] for card in column(context.table, "card")])


@then("each customer is told just that, and nothing is charged")
def told_why(context: Context) -> None:
    context.world.expect_each_told([Outcome.DECLINED, Outcome.WITHOUT_FUNDS, Outcome.EXPIRED])


@then("each order can be paid by another card")
def can_be_paid(context: Context) -> None:
    context.world.expect_payable()


@given("an order of {amount:S} {currency:w}, paid by a card that has to be confirmed")
def pay_to_be_confirmed(context: Context, amount: str, currency: str) -> None:
    context.world.bank.begin(context.world.place(Decimal(amount), currency), Card.TO_BE_CONFIRMED)


@given("the customer was told to confirm, and nothing is charged")
def told_to_confirm(context: Context) -> None:
    context.world.expect_told(context.world.bill, Outcome.TO_BE_CONFIRMED)
    context.world.expect_not_charged(context.world.bill)


@when("the customer confirms the payment at the bank")
def confirm(context: Context) -> None:
    context.world.bank.decide(context.world.bill)
    context.world.provider.let_events_go()


# Events


@given("an order whose payment was decided, which no node has heard of yet")
@given("an order whose payment was decided, of which no event will come")
def decided_unheard(context: Context) -> None:
    context.world.webhooks.late = context.world.webhooks.prepare()


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


@when("30.00, 71.00, 30.00, 40.00 and 0.01 are refunded one after the other")
def refund_parts(context: Context) -> None:
    context.world.refunds.ask([Decimal(amount) for amount in ("30.00", "71.00", "30.00", "40.00", "0.01")])


@then("the first, the third and the fourth are refunded, and no other")
def parts_refunded(context: Context) -> None:
    done, no = Outcome.DONE, Outcome.CONFLICT
    context.world.refunds.expect_told_in_order(done, no, done, done, no)
    context.world.refunds.expect_back(Money(Decimal("100.00"), USD))


@when("{amount:S} {currency:w} are refunded, and the provider's answer is lost")
def refund_without_answer(context: Context, amount: str, currency: str) -> None:
    context.world.refunds.ask_and_lose_answer(Money(Decimal(amount), currency))


@given("the provider has given {amount:S} {currency:w} back for the first node, and has not answered yet")
def refunded_without_answer(context: Context, amount: str, currency: str) -> None:
    money = Money(Decimal(amount), currency)
    context.world.bank.give_back_without_answering(context.world.bill, context.world.nodes[0], money)


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


@when("the customer's bank disputes the payment")
def dispute(context: Context) -> None:
    context.world.refunds.dispute()


@given("the customer's bank has disputed the payment, and the platform's books know that")
def disputed_before(context: Context) -> None:
    context.world.refunds.dispute()
    context.world.refunds.expect_disputed(5)


@when("the dispute is won")
def win_dispute(context: Context) -> None:
    context.world.refunds.dispute("won")


@then("within {deadline:Duration} the platform's books know that the money is back")
def money_back(context: Context, deadline: float) -> None:
    context.world.refunds.expect_disputed(deadline, won=True)


@then("within {deadline:Duration} the platform's books know that the money is gone")
def disputed(context: Context, deadline: float) -> None:
    context.world.refunds.expect_disputed(deadline)


@then("a refund of {amount:S} {currency:w} is not made, nor asked for")
def not_refunded(context: Context, amount: str, currency: str) -> None:
    context.world.refunds.ask([Decimal(amount)])
    context.world.refunds.expect_told_in_order(Outcome.CONFLICT)
    context.world.refunds.expect_none_asked()


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


@given("on {day:S} a change to the {plan:w} plan was quoted")
def quote(context: Context, day: str, plan: str) -> None:
    context.world.subscriptions.wind(day)
    context.world.subscriptions.ask_quote(plan)


@given("the subscriber's card fails from now on")
@when("the subscriber's card fails from then on")
def card_fails(context: Context) -> None:
    context.world.subscriptions.fail_from_now_on()


@when("the subscriber changes to the {plan:w} plan an hour later")
@when("the other subscriber changes to the {plan:w} plan for that quote")
def change_plan(context: Context, plan: str) -> None:
    context.world.subscriptions.change(plan)


@when("the subscriber changes to the {plan:w} plan {days:Count} days later")
def change_plan_late(context: Context, plan: str, days: int) -> None:
    context.world.subscriptions.change(plan, days * 24 * 3600)


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


@then("within {deadline:Duration} the subscriber has access to the {plan:w} plan")
def has_access_after_all(context: Context, plan: str, deadline: float) -> None:
    context.world.subscriptions.expect_access(plan, deadline)
    context.world.bank.see_it_hit()


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


@given("somebody is about to subscribe to the {plan:w} plan through the first node")
def subscription_waits(context: Context, plan: str) -> None:
    context.world.subscriptions.leave_waiting(plan)


@given("the provider's next answer to a subscription will be lost")
def lose_answer_to_subscription(context: Context) -> None:
    context.world.bank.lose_answer(SUBSCRIBING)


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


@when("the bank pays {amount:S} {currency:w} for it")
def bank_pays_less(context: Context, amount: str, currency: str) -> None:
    context.world.bank.decide_for(context.world.bill, Money(Decimal(amount), currency))


@then("within {deadline:Duration} the platform's books have {amount:S} {currency:w} for it")
def booked(context: Context, deadline: float, amount: str, currency: str) -> None:
    context.world.expect_booked(Money(Decimal(amount), currency), deadline)


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


@when("both nodes reconcile at the same time, and then one again")
def reconcile(context: Context) -> None:
    context.world.reconciliation.run()


@then("each time exactly these differences are found, and each is kept once")
def found(context: Context) -> None:
    context.world.reconciliation.expect_found()


@when("orders are paid, refused and refunded, a card's number is typed by mistake, and events are forged")
def use_secrets(context: Context) -> None:
    context.world.secrecy.use_all()


@then("none of it is in a log or a table")
def nowhere(context: Context) -> None:
    context.world.secrecy.expect_nowhere()
