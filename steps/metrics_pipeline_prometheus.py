"""Sentences of metrics and alerts."""

from typing import TYPE_CHECKING, Any, Protocol

from behave import given, step, then, when

from support.capabilities.metrics_pipeline_prometheus.client import Alarm

if TYPE_CHECKING:
    from support.capabilities.metrics_pipeline_prometheus.world import World


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"
    table: Any


# Customers


@given("two nodes of a shop")
def shop(context: Context) -> None:
    context.world.expect_nodes_well()


@given("Prometheus has seen all that customers got before")
def begin_to_count(context: Context) -> None:
    context.world.counts.begin()


@when(
    "a scanner tries all that looks like the shop's pages, and {count:Count} customers come to each node for each page"
)
def customers_come(context: Context, count: int) -> None:
    context.world.visits.of_every_kind(count)


@given("{count:Count} customers of each node have got what they came for")
def customers_came(context: Context, count: int) -> None:
    context.world.visits.served(count)


@when("customers of both nodes meet these, whatever they came for:")
def customers_meet(context: Context) -> None:
    context.world.fates.meet_all({row["what"]: int(row["customers"]) for row in context.table})


@given("{count:Count} customers of the first node who wait for the warehouse")
def customers_wait(context: Context, count: int) -> None:
    context.world.workers.hold(count)


@when("the first node restarts while these {count:Count} still wait, and {more:Count} more customers come to each node")
def restart_amid(context: Context, count: int, more: int) -> None:
    context.world.outages.restart_amid(more)


@when("two of its processes are killed, one after the other, each just after {count:Count} more customers came")
def kill_processes(context: Context, count: int) -> None:
    context.world.workers.kill_two(count)


@when(
    "{count:Count} customers of both nodes wait from {shortest:Duration} to {longest:Duration} "
    "for orders, looks and exports, and others are served meanwhile"
)
def customers_are_slow(context: Context, count: int, shortest: float, longest: float) -> None:
    context.world.visits.wait(count, shortest, longest)


@when("a scanner asks the first node for {count:Count} pages that nobody has")
def scan(context: Context, count: int) -> None:
    context.world.wanderers.wander(count)


@when("both nodes are asked for pages with secrets in paths, links, headers and names, and with quotes and line breaks")
def confide(context: Context) -> None:
    context.world.wanderers.confide()


# Trouble


@given("nobody is being woken by errors")
def nobody_is_woken_by_errors(context: Context) -> None:
    context.world.on_call.await_calm(Alarm.ERRORS, Alarm.ORDER_FAILED)


@given("nobody is being woken by errors or by a node")
def nobody_is_woken(context: Context) -> None:
    context.world.on_call.await_calm(Alarm.ERRORS, Alarm.ORDER_FAILED, Alarm.NODE_DOWN)


@step("customers of the first node get errors until somebody is told")
def errors_until_told(context: Context) -> None:
    context.world.burning.until_told()


@when(
    "customers of the first node get errors until somebody is told, "
    "and {count:Count} of the second all at the same moment"
)
def errors_until_told_beside_burst(context: Context, count: int) -> None:
    context.world.burning.until_told_beside_burst(count)


@given("whatever customers of both nodes want fails until Prometheus sounds every alarm")
def everything_fails(context: Context) -> None:
    context.world.burning.all_until_firing()


@given("every count of the first node is there and is 0")
def every_count_is_there(context: Context) -> None:
    context.world.counts.expect_declared(0)


@when("{count:Count} orders fail at the first node between two scrapes")
def orders_fail(context: Context, count: int) -> None:
    context.world.burning.orders_at_once(count, 0)


@when("{count:Count} orders fail at each node")
def orders_fail_at_both(context: Context, count: int) -> None:
    context.world.burning.orders_at_once_until_firing(count)


@given("an operator has silenced orders that fail at the first node")
def silenced(context: Context) -> None:
    context.world.burning.silence_orders()


@given("the receiver of alerts refuses the next {count:Count} notifications of errors")
def receiver_refuses(context: Context, count: int) -> None:
    context.world.burning.let_receiver_refuse(count)


@when(
    "for 4 s everything that there is happens to many customers of one node and few of the other, as it did not before"
)
def everything_happens(context: Context) -> None:
    context.world.budget.mix()


@when("each of these has happened at the nodes:")
def seconds_passed(context: Context) -> None:
    context.world.suffering.live({row["what"]: row["somebody"] for row in context.table})


@when("Alertmanager hears in one moment that the first node is down, and of all else that there is to hear of both")
def all_is_raised(context: Context) -> None:
    context.world.burning.raise_all()


@when("each of these has happened:")
def hours_passed(context: Context) -> None:
    context.world.budget.live({row["what"]: row["somebody"] for row in context.table})


# What is counted


@then("Prometheus has counted what they got, no more and no less")
def counted(context: Context) -> None:
    context.world.counts.expect_what_customers_got()


@then(
    "once they are answered, and {more:Count} more came to each node, "
    "Prometheus has counted what they got, no more and no less"
)
def counted_once_answered(context: Context, more: int) -> None:
    context.world.workers.answer(more)
    context.world.counts.expect_what_customers_got()


@then("each count that has risen was there before")
def there_before(context: Context) -> None:
    context.world.counts.expect_there_before()


@then("both nodes tell {count:Count} scrapes in a row the same")
def the_same_each_time(context: Context, count: int) -> None:
    context.world.series.expect_same_each_time(count)


@then("no count of the first node has fallen more than once, and none of the second has")
def no_count_fell(context: Context) -> None:
    context.world.series.expect_resets(1, 0)


@then("{count:Count} requests are under way at the first node")
def so_many_under_way(context: Context, count: int) -> None:
    context.world.counts.expect_under_way(0, count)


@then("within {deadline:Duration} only those who still wait are under way at the first node")
def only_those_under_way(context: Context, deadline: float) -> None:
    context.world.workers.expect_under_way(deadline)


@then("each bucket of the metrics holds those who have waited for so long, and no others")
def waits_are_shown(context: Context) -> None:
    context.world.series.expect_waits_shown()


@then(
    "any wait from {shortest:Duration} to {longest:Duration}, the longest that the shop allows, "
    "is told from one that is {times:g} times as long"
)
def waits_are_told_apart(context: Context, shortest: float, longest: float, times: float) -> None:
    context.world.series.expect_told_apart(shortest, longest, times)


@then("the first node has at most {count:Count} series more than before")
def so_few_series(context: Context, count: int) -> None:
    context.world.wanderers.expect_no_more_series(count)


@then("none of these secrets is in its metrics")
def discreet(context: Context) -> None:
    context.world.wanderers.expect_discreet()


@then("promtool finds no fault in the metrics of both nodes")
def sound(context: Context) -> None:
    context.world.wanderers.expect_sound()


# What is told


@then("somebody was told once of errors at the first node, with what to do about it")
def was_told_once(context: Context) -> None:
    context.world.burning.expect_told_once()


@then("nobody was told of the errors at the second node, of which Prometheus took notice")
def burst_passed(context: Context) -> None:
    context.world.burning.expect_burst_passed()


@then("they had lasted for {time:Duration} by then, and at the most for {late:Duration} longer")
def lasted_for(context: Context, time: float, late: float) -> None:
    context.world.burning.expect_held_for(time, late)


@then("within {deadline:Duration} somebody is told once that they are over")
def told_that_over(context: Context, deadline: float) -> None:
    context.world.burning.expect_over(deadline)


@then("within {deadline:Duration} somebody is told once that orders fail at the {which:w} node")
def told_of_orders(context: Context, deadline: float, which: str) -> None:
    context.world.burning.expect_told_of_orders(deadline, ("first", "second").index(which))


@then("for {time:Duration} nobody is told that orders fail at the first node")
def not_told_of_orders(context: Context, time: float) -> None:
    context.world.burning.expect_not_told_of_orders(time)


@then("within {deadline:Duration} somebody is told once that the shop is down")
def told_of_shop(context: Context, deadline: float) -> None:
    context.world.outages.expect_told_of_shop(deadline)


@then("nobody is told meanwhile that the errors are over")
def not_told_that_over(context: Context) -> None:
    context.world.burning.expect_not_over()


@then(
    "once the first node is back, within {deadline:Duration} somebody is told that both are over, "
    "and was told once of the errors"
)
def told_that_over_once_back(context: Context, deadline: float) -> None:
    context.world.burning.expect_over_once_back(deadline)


@then("when Prometheus says of both nodes that they are down, nobody is told for {time:Duration}")
def not_told_of_nodes(context: Context, time: float) -> None:
    context.world.outages.expect_not_told_of_nodes(time)


@then("dashboards show which share of those who came for each page has failed")
@then("it is so by the shop's own rules")
def by_its_own_rules(context: Context) -> None:
    context.world.histories.expect_as_said()


@then("within {deadline:Duration} somebody is told of each, once")
def told_of_each(context: Context, deadline: float) -> None:
    context.world.burning.expect_all_told(deadline)


@then("within {deadline:Duration} of its end somebody is told of the end of each")
def told_of_each_end(context: Context, deadline: float) -> None:
    context.world.burning.expect_all_over(deadline)


@then(
    "within {deadline:Duration}, and {count:Count} notifications that were refused, "
    "somebody is told of all that fails at both nodes"
)
def told_after_refusals(context: Context, deadline: float, count: int) -> None:
    context.world.burning.expect_told_after_refusals(count, deadline)


@then("a moment later nobody has been told of it again")
def not_told_again(context: Context) -> None:
    context.world.burning.expect_not_told_again()
