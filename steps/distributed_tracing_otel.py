"""Sentences of distributed tracing."""

from typing import TYPE_CHECKING, Any, Protocol

from behave import given, then, when

from support.nouns import Who

if TYPE_CHECKING:
    from support.capabilities.distributed_tracing_otel.world import World


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"
    table: Any


# The partner


@given("the partner fails at the first {count:Count} attempts to ship the order")
def partner_fails_to_ship(context: Context, count: int) -> None:
    context.world.errors.partner_fails_to_ship(count)


@given("the partner's prices make no sense")
def partner_talks_nonsense(context: Context) -> None:
    context.world.errors.partner_talks_nonsense()


@given("the partner breaks the connection when it is asked for the price the first time")
def partner_breaks_off(context: Context) -> None:
    context.world.errors.partner_breaks_off(times=1)


@given("the partner breaks the connection whenever it is asked for the price")
def partner_is_gone(context: Context) -> None:
    context.world.errors.partner_breaks_off(times=None)


@given("the partner knows no such article")
def partner_knows_nothing(context: Context) -> None:
    context.world.errors.partner_knows_nothing()


# Customers and callers


@given("an order that was placed and shipped before")
def place_before(context: Context) -> None:
    context.world.place_before()


@given("an order that was placed in the small service")
def place_beside(context: Context) -> None:
    context.world.secrets.place_beside()


@given("the monitoring has asked each process how many steps were lost")
def monitor(context: Context) -> None:
    context.world.ask_for_losses()


@when("a customer places an order")
def place(context: Context) -> None:
    context.world.taken(context.world.place())


@when("a customer places an order on a line, after another")
def place_on_line(context: Context) -> None:
    context.world.place_on_line()


@when("a customer places an order that fails")
@when("a customer places an order for it in a call")
def place_in_vain(context: Context) -> None:
    context.world.errors.place()


@when("a customer places an order for it on a line")
def place_in_vain_on_line(context: Context) -> None:
    context.world.errors.place_on_line()


@when("{count:Count} customers place an order each, {few:Count} at a time")
def place_many(context: Context, count: int, few: int) -> None:
    context.world.crowd.place(count, few)


@when(
    "{count:Count} customers come to the busy gateway, {few:Count} at a time, to look, "
    "and each tenth to order in a call or on a line"
)
def come_many(context: Context, count: int, few: int) -> None:
    context.world.crowd.come(count, few, "busy gateway")


@when("orders of every fate come from every side at once, some on lines, and strangers come with them")
def place_medley(context: Context) -> None:
    context.world.medley.place()


@when("the service is asked to look at something, and to take an order, by")
def call_by(context: Context) -> None:
    context.world.callers.look_and_order(row.as_dict() for row in context.table)


@when("orders come to the service from")
def order_from(context: Context) -> None:
    context.world.callers.order(row.as_dict() for row in context.table)


@when("a stranger places an order, not to be traced and in the name of another tenant, and looks at something")
def place_as_stranger(context: Context) -> None:
    context.world.callers.order_as_stranger()


@when("four orders come to the service, the first three in traces that are not to be kept, and the last in one that is")
def place_both_ways(context: Context) -> None:
    context.world.callers.order_both_ways()


# Outages and endings


@given("{count:Count} calls of the small service while all is well")
def call_as_ever(context: Context, count: int) -> None:
    context.world.outage.call_as_ever(count)


@given("{count:Count} calls of the small service while nothing arrives")
def call_all_the_while(context: Context, count: int) -> None:
    context.world.outage.call_all_the_while(count)


@when("{count:Count} calls of the small service are made, and then the small service reaches the collector again")
def call_and_mend(context: Context, count: int) -> None:
    context.world.outage.call_all_the_while(count)
    context.world.outage.mend()


@when("{count:Count} orders fail and as many go well in each of these, in calls and on lines, in turn with others")
def order_all_the_while(context: Context, count: int) -> None:
    context.world.outage.order_all_the_while(count)


@given("an order in the small service, which the partner lets wait")
def begin_order(context: Context) -> None:
    context.world.endings.begin_order()


@given("an order whose shipment the partner lets wait, and {behind:Count} orders behind it")
def begin_shipment(context: Context, behind: int) -> None:
    context.world.endings.begin_shipment(behind)


@when("the partner answers {later:Duration} later")
def release_order(context: Context, later: float) -> None:
    context.world.endings.release_order(later)


# What must hold


@then("it is one whole tree that leads from the gateway over the service and the queue to the worker, also in Jaeger")
def one_tree(context: Context) -> None:
    context.world.expect_tree()


@then("no step is told to have begun before the step that caused it")
def forwards(context: Context) -> None:
    context.world.expect_forwards()


@then("no step is told that belongs to no order")
def none_alone(context: Context) -> None:
    context.world.expect_none_alone()


@then("the partner was asked {count:Count} times, each time in the name of the step that asked, while that lasted")
def partner_in_trace(context: Context, count: int) -> None:
    context.world.expect_partner_in_trace(count)


@then("every step names the order and its tenant")
def all_named(context: Context) -> None:
    context.world.expect_named()


@then("the partner is asked for the shipment exactly {count:Count} times")
def asked_to_ship(context: Context, count: int) -> None:
    context.world.expect_shipments(count)


@then("{failed:Count} attempts at the shipment are errors, and {well:Count} is none")
def attempts_told(context: Context, failed: int, well: int) -> None:
    context.world.errors.expect_attempts(failed, well)


@then("each step says which version and which instance of which service it was, each of the two services its own")
def whose_step(context: Context) -> None:
    context.world.secrets.expect_whose()


@then("each process has written of the order, with its trace and a step of it")
def found_in_logs(context: Context) -> None:
    context.world.secrets.expect_in_logs()


@then("each of the {count:Count} traces is whole, and names its own order and tenant at every step")
def all_apart(context: Context, count: int) -> None:
    context.world.crowd.expect_apart(count)


@then("each of them is told as its fate was, step by step, and to the partner")
def told_as_they_were(context: Context) -> None:
    context.world.medley.expect_told()


@then("nothing that a stranger said is believed")
def strangers_ignored(context: Context) -> None:
    context.world.medley.expect_strangers_ignored()


@then("no customer's password, token or card can be read where traces are kept, nor in a log")
def no_secret_of_anybody(context: Context) -> None:
    context.world.medley.expect_no_secret()


@then("the partner was asked for each order in the name of its own trace")
def partner_told_apart(context: Context) -> None:
    context.world.crowd.expect_partner_told()


@then("both servers' steps are errors of a kind that is named, and the exception is recorded once")
def told_as_failed(context: Context) -> None:
    context.world.errors.expect_failed()


@then("of the service's calls those that failed are errors, and no others")
def told_where(context: Context) -> None:
    context.world.errors.expect_told_where()


@then("the gateway's step and its call are errors of a kind that is named")
def told_as_unreached(context: Context) -> None:
    context.world.errors.expect_unreached()


@then("exactly {count:Count} call is an error, of a kind that is named, and no other step of the order's is")
def told_as_mended(context: Context, count: int) -> None:
    context.world.errors.expect_mended(count)


@then("the customer hears so, and neither server's step is an error")
def callers_mistake(context: Context) -> None:
    context.world.errors.expect_callers_mistake()


@then("each call is a step of the trace that it named, below the step that it named")
def trace_continued(context: Context) -> None:
    context.world.callers.expect_continued()


@then("each call begins a trace of its own, and nothing of what it named is in it")
def trace_begun(context: Context) -> None:
    context.world.callers.expect_new()


@then("each call stays in its trace, and what the first {count:Count} add is kept, and what the others add is left out")
def states_kept(context: Context, count: int) -> None:
    context.world.callers.expect_states(count)


@then("nothing of it is in the stranger's trace")
def stranger_ignored(context: Context) -> None:
    context.world.callers.expect_stranger_ignored()


@then("nothing of the first three arrives, and the last is whole, and the partner is told which is which")
def kept_both_ways(context: Context) -> None:
    context.world.callers.expect_both_ways()


@then("about {percent:Count} % of their traces are kept, and each of these is whole")
def share_kept(context: Context, percent: int) -> None:
    context.world.crowd.expect_share(percent)


@then("a call took at most {ratio:Count} times as long as one at the same time where the collector is reached")
def nobody_waited(context: Context, ratio: int) -> None:
    context.world.outage.expect_nobody_waited(ratio)


@then("every step of these calls arrived, or is counted as lost")
def balance(context: Context) -> None:
    context.world.outage.expect_balance()


@then("what is done from now on arrives again")
def served_again(context: Context) -> None:
    context.world.outage.expect_served_again()


@then("the partner is asked for the shipment of each that went well within {deadline:Duration}")
def shipped_all_the_while(context: Context, deadline: float) -> None:
    context.world.outage.expect_shipped(deadline)


@then("no other shipment was begun, and once the worker is back each is made once, in a trace that is whole")
def rest_shipped(context: Context) -> None:
    context.world.endings.expect_rest_shipped()


@then("the caller is answered, and the order's trace is whole")
def told_to_the_end(context: Context) -> None:
    context.world.endings.expect_told_to_the_end()


@then("{who:Node} has ended by itself within {deadline:Duration}")
def ended(context: Context, who: Who, deadline: float) -> None:
    context.world.endings.expect_ended(who, deadline)


@then("neither the customer's password nor token nor card can be read where traces are kept, nor in a log")
def no_secret(context: Context) -> None:
    context.world.secrets.expect_none_told()


@then("the partner was not told whose order it is")
def partner_not_told(context: Context) -> None:
    context.world.secrets.expect_partner_not_told()
