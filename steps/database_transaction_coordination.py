"""Sentences of billing and analytics."""

from typing import TYPE_CHECKING, Protocol

from behave import given, then, when

if TYPE_CHECKING:
    from behave.model import Table

    from support.capabilities.database_transaction_coordination.world import World
    from support.faults.faults import Faults


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"
    faults: "Faults"
    table: "Table | None"


# Charges, and where they must be


@given("a new customer with two accounts, served by two nodes")
def new_customer(context: Context) -> None:
    """Each node opens one of the accounts, so both are seen to serve."""
    context.world.open_accounts(2)


@given("another customer, who has paid {euros:Count} euros")
def another_customer(context: Context, euros: int) -> None:
    context.world.meet_another(euros * 100)


@given("{count:Count} charges that billing and analytics agree on")
@given("{count:Count} charges and {back:Count} refunds that billing and analytics agree on")
def charges_that_both_have(context: Context, count: int, back: int = 0) -> None:
    book_in_turn(context, count)
    context.world.book(context.world.refund_bills(back))
    context.world.expect_shown(within_s=10)
    context.world.expect_none_waits(within_s=5)


@when(
    "{count:Count} charges of odd amounts and references on {days:Count} days, refunds among them, are booked through "
    "both nodes in turn"
)
def book_on_many_days(context: Context, count: int, days: int) -> None:
    context.world.book(context.world.odd_bills(count, days))


@when("{count:Count} charges are booked through both nodes in turn")
def book_in_turn(context: Context, count: int) -> None:
    context.world.book(context.world.bills(count))


@then("within {deadline:Duration} analytics shows each of them once, as it was booked")
@then("within {deadline:Duration} analytics shows it once, as it was booked")
def shown_within(context: Context, deadline: float) -> None:
    context.world.expect_shown(deadline)


@then("analytics shows each of them once, as it was booked")
@then("analytics shows it once, as it was booked")
def shown(context: Context) -> None:
    context.world.expect_shown(within_s=0)


@then("billing and analytics report the same sums by day and by account: those of what was booked")
def same_sums(context: Context) -> None:
    context.world.expect_sums()


# Rejections


@when("both nodes are asked {times:Count} times to book each of these")
def ask_for_what_is_rejected(context: Context, times: int) -> None:
    context.world.rejections.ask_for(context.table or (), times)


@then("each of them is refused for that reason")
def each_is_refused(context: Context) -> None:
    context.world.rejections.expect_refused()


@then("for {window:Duration} no trace of them is found in billing, in analytics, or between the two")
@then("for {window:Duration} no trace of it is found in billing, in analytics, or between the two")
def no_trace(context: Context, window: float) -> None:
    context.world.expect_nothing_else(window)


@given("customers whose names look alike have paid other amounts each, under the same references")
def meet_look_alikes(context: Context) -> None:
    context.world.privacy.meet_alike()


@when("each of them, and then somebody without a session, asks both nodes for each balance right after its owner")
def ask_for_balances(context: Context) -> None:
    context.world.privacy.ask_for_balances()


@then("all are told their own balance, and rejected as for an account that nobody has for any other")
def own_balances_only(context: Context) -> None:
    context.world.privacy.expect_own_only()


@then("a refund of a cent more than each of them paid is rejected by both nodes")
def no_refund_of_others(context: Context) -> None:
    context.world.privacy.expect_no_refund_of_others()


@then("within {deadline:Duration} analytics shows what each of them paid, and reconciling names no difference")
def look_alikes_are_shown(context: Context, deadline: float) -> None:
    context.world.privacy.expect_shown(deadline)


@then("the next charge arrives, through either node")
def next_charge_arrives(context: Context) -> None:
    context.faults.heal()
    book_in_turn(context, 2)
    context.world.expect_shown(within_s=5)


@then("the next charge and the next refund arrive, through either node")
def next_of_both_arrive(context: Context) -> None:
    context.world.book(context.world.refund_bills(2))
    next_charge_arrives(context)


@when("the second node is asked for a charge under a reference that the first is writing another under")
def use_reference_twice(context: Context) -> None:
    context.world.reference.use_twice()


@then("one of the two is booked, and the other one rejected")
def one_of_two_is_booked(context: Context) -> None:
    context.world.reference.expect_one()


# Outages


@given("{count:Count} charges wait for analytics")
def charges_that_wait(context: Context, count: int) -> None:
    book_in_turn(context, count)


@when("both nodes are asked for everything that a customer may ask for")
def ask_for_everything(context: Context) -> None:
    """A charge, a refund, a balance, an account, what was put aside, and to reconcile."""
    context.world.outage.ask()


@then("both say each time that billing is unavailable")
def billing_is_unavailable(context: Context) -> None:
    context.world.outage.expect_unavailable()


@then("within {deadline:Duration} after all is well again, both nodes do all of that, and each charge arrives")
def all_is_done_again(context: Context, deadline: float) -> None:
    context.faults.heal()
    context.world.outage.expect_over(deadline)


@given("{count:Count} charges arrived, one after the other")
def charges_arrived(context: Context, count: int) -> None:
    context.world.rate.deliver(count)


@when("analytics goes down while the first node writes a charge to it, and {count:Count} more are booked through both")
def analytics_goes_down(context: Context, count: int) -> None:
    context.world.backlog.go_down(count)


@then(
    "{count:Count} more arrive, one after the other, and half of them in at most {times:Count} times as long as half "
    "of those before"
)
def arrive_as_before(context: Context, count: int, times: int) -> None:
    context.world.rate.deliver(count)
    context.world.rate.expect_delivered_as_before(times)


@then("both nodes report that {count:Count} charges wait for analytics")
def both_report_waiting(context: Context, count: int) -> None:
    context.world.backlog.expect_reported(count)


@then("within {deadline:Duration} after analytics is back, both report that none waits")
def drained_after_outage(context: Context, deadline: float) -> None:
    context.world.backlog.expect_drained(deadline)


@then("within {deadline:Duration} both nodes are well")
def both_are_well(context: Context, deadline: float) -> None:
    context.world.expect_nodes_well(deadline)


@given("{count:Count} charges were booked, {rate:Count} each second")
def book_in_no_hurry(context: Context, count: int, rate: int) -> None:
    context.world.rate.book(count, rate)


@when(
    "{count:Count} more are booked through both nodes in turn, {rate:Count} each second, and both reconcile meanwhile"
)
def book_while_reconciling(context: Context, count: int, rate: int) -> None:
    context.world.rate.book_while_reconciling(count, rate)


@then("neither names a difference")
def neither_names_a_difference(context: Context) -> None:
    context.world.rate.expect_no_difference()


@then("3 in 4 of these took at most {more:Duration} more than twice as long as 3 in 4 of those before")
def as_quick_as_before(context: Context, more: float) -> None:
    context.world.rate.expect_as_before(more)


# Nodes that die, and answers that are lost


@given("analytics keeps every copy that it is sent")
def keep_every_copy(context: Context) -> None:
    """So that whoever counts on ClickHouse to merge them is noticed."""
    context.world.analytics.change(context.world.tables.keep_deliveries)


@when("billing commits a charge of the first node, then a refund, and within {deadline:Duration} the connections break")
def lose_commits(context: Context, deadline: float) -> None:
    """Each time the connections of the first node."""
    context.world.commits.lose_answers(deadline)


@then("the customer is told each time that it is booked, or that billing is unavailable")
def not_told_of_a_rejection(context: Context) -> None:
    context.world.commits.expect_not_rejected()


@when("the first node dies while it writes a charge that is not yet committed")
def die_before_commit(context: Context) -> None:
    context.world.crash.before_commit()


@when("the first node takes a charge, dies and starts again")
def take_one_and_restart(context: Context) -> None:
    context.world.crash.and_restart()


@when("analytics takes a charge of the first node, which dies before it hears the answer")
def die_after_delivery(context: Context) -> None:
    context.world.crash.after_delivery()


@when("analytics takes a charge of the first node, and for {duration:Duration} no answer comes through")
def lose_answer(context: Context, duration: float) -> None:
    context.world.crash.answer_lost_for(duration)


@then("the charge still waits for analytics, which has it already")
def waits_though_delivered(context: Context) -> None:
    context.world.crash.expect_waiting_though_delivered()


@then("no try was ever counted against it")
def nothing_counted_against_it(context: Context) -> None:
    context.world.crash.expect_nothing_counted_against_it()


@then("within {deadline:Duration}, with analytics as slow, none waits and it shows each of them once, as it was booked")
def shown_while_slow(context: Context, deadline: float) -> None:
    context.world.expect_shown(deadline)
    context.world.expect_none_waits(within_s=0)


@then(
    "within {deadline:Duration} after all is well again, none waits and analytics shows each of them once, "
    "as it was booked"
)
@then("within {deadline:Duration} after all is well again, none waits and analytics shows it once, as it was booked")
def shown_after_healing(context: Context, deadline: float) -> None:
    context.faults.heal()
    context.world.expect_shown(deadline)
    context.world.expect_none_waits(within_s=0)


# Races


@when(
    "{count:Count} charges of {cents:Count} cents and {refunds:Count} refunds of {back:Count} cents are booked on one "
    "account at the same time, through both nodes"
)
def change_at_once(context: Context, count: int, cents: int, refunds: int, back: int) -> None:
    context.world.balance.change_at_once((count, cents), (refunds, -back))


@then("the balance of the account is {cents:Count} cents, by billing's books and by the word of both nodes")
def balance_is(context: Context, cents: int) -> None:
    context.world.balance.expect(cents)


@when(
    "in {races:Count} races {cents:Count} of {paid:Count} cents are refunded on both accounts at once, "
    "each through another node"
)
def refunds_race(context: Context, races: int, cents: int, paid: int) -> None:
    context.world.refunds.race(races, cents, paid)


@then("in all {races:Count} races one refund was booked, and the other one rejected")
def one_refund_each(context: Context, races: int) -> None:
    context.world.refunds.expect_one_each(races)


@then("after no race had the customer got back more than was paid")
def never_overdrawn(context: Context) -> None:
    context.world.refunds.expect_never_overdrawn()


# Two nodes that share the work


@when(
    "{count:Count} charges of {accounts:Count} accounts are booked through both nodes, and half-way the second one "
    "reaches analytics"
)
def book_on_many_accounts(context: Context, count: int, accounts: int) -> None:
    context.world.relays.book(count, accounts)


@then("within {deadline:Duration} analytics has been sent each of them once, and for {quiet:Duration} none again")
def sent_once(context: Context, deadline: float, quiet: float) -> None:
    context.world.relays.expect_sent_once(deadline, quiet)


@then("at no time did analytics have a charge before an earlier one of the same account")
def none_overtaken(context: Context) -> None:
    context.world.relays.expect_none_overtaken()


@when(
    "the first node books {count:Count} charges of {accounts:Count} accounts and freezes with some in hand, "
    "and the second reaches billing"
)
def freeze_with_some_in_hand(context: Context, count: int, accounts: int) -> None:
    context.world.share.freeze_with_some_in_hand(count, accounts)


@then("within {deadline:Duration} the second one has sent at least {least:Count} of them")
def others_are_sent(context: Context, deadline: float, least: int) -> None:
    context.world.share.expect_others_sent(least, deadline)


# Differences


@when("the first node reconciles the books, while the second one books charges of {accounts:Count} accounts")
def reconcile_meanwhile(context: Context, accounts: int) -> None:
    context.world.meanwhile.reconcile(accounts)


@then("the report names none")
def report_names_none(context: Context) -> None:
    context.world.meanwhile.expect_none_named()


@when("each of these befalls a charge and a refund, at last all of it others, and the books are reconciled each time")
def reconcile_after_each(context: Context) -> None:
    context.world.differences.go_through(row["analytics shows"] for row in context.table or ())


@then("each report named precisely what differed")
def reports_name(context: Context) -> None:
    context.world.differences.expect_named()


@then("each time analytics showed each of them once again, as it was booked")
def each_is_set_right(context: Context) -> None:
    context.world.differences.expect_set_right()


@then("reconciling once more names none, and changes nothing")
def nothing_left_to_reconcile(context: Context) -> None:
    context.world.differences.expect_nothing_left()


# Charges that are refused


@given(
    "a charge of an unknown product is booked, as for another customer, and {others:Count} more after it on both "
    "accounts"
)
def book_unknown_product(context: Context, others: int) -> None:
    context.world.poison.book(others)


@then("within {deadline:Duration} analytics shows each of the others once, as it was booked")
def others_are_shown(context: Context, deadline: float) -> None:
    context.world.poison.expect_others_shown(deadline)


@then("the one is put aside after {tries:Count} tries, where both nodes show it with the reason")
def one_is_put_aside(context: Context, tries: int) -> None:
    context.world.poison.expect_put_aside(tries)


@then("the next charges arrive, and for these it was not tried again: it had {tries:Count} tries")
def not_tried_again(context: Context, tries: int) -> None:
    context.world.poison.expect_no_other_try(tries)


@then("it is all that billing and analytics differ by")
def only_difference(context: Context) -> None:
    context.world.poison.expect_only_difference()


# Tables that have changed


@given("analytics has lost its table")
def lose_the_table(context: Context) -> None:
    context.world.analytics.change(context.world.tables.lose_the_table)


@given("analytics has too much to do to take anything")
def have_too_much_to_do(context: Context) -> None:
    context.world.analytics.change(*context.world.tables.too_much_to_do)


@given("analytics has lost a column")
def lose_a_column(context: Context) -> None:
    context.world.analytics.change(context.world.tables.lose_a_column)


@given("analytics keeps amounts as floating-point numbers")
def keep_floats(context: Context) -> None:
    context.world.analytics.change(context.world.tables.amounts_as_floats)


@given("analytics has got another column")
def get_another_column(context: Context) -> None:
    context.world.analytics.change(context.world.tables.add_a_column)


@then("no alert is raised")
def no_alert_is_raised(context: Context) -> None:
    context.world.table.expect_no_alert()


@then("within {deadline:Duration} an alert is raised that analytics has changed")
def alert_is_raised(context: Context, deadline: float) -> None:
    context.world.table.expect_alert(deadline)


@then("for {window:Duration} all {count:Count} wait, and no try counts against any")
def all_wait(context: Context, window: float, count: int) -> None:
    context.world.table.expect_waiting(count, window)


@then("within {deadline:Duration} after analytics is as before, none waits and the alert is over")
def alert_is_over(context: Context, deadline: float) -> None:
    context.world.table.expect_over(deadline)


# Speed


@when("{count:Count} charges are booked through both nodes in turn, {rate:Count} each second")
def book_steadily(context: Context, count: int, rate: int) -> None:
    context.world.steady.run(count, rate)


@then("half of them are booked within {deadline:Duration}, and half are in analytics {lag:Duration} later")
def half_are_quick(context: Context, deadline: float, lag: float) -> None:
    context.world.steady.expect_half(deadline, lag)


@then("{percent:Count} in 100 are booked in at most {times:Count} times what as many take PostgreSQL alone meanwhile")
def booking_ratio(context: Context, percent: int, times: int) -> None:
    context.world.steady.expect_booking_ratio(percent, times)


@then(
    "{percent:Count} in 100 are in analytics {interval:Duration} and at most {times:Count} times what as many take "
    "both stores alone later"
)
def arrival_ratio(context: Context, percent: int, times: int, interval: float) -> None:
    context.world.steady.expect_arrival_ratio(percent, times, interval)
