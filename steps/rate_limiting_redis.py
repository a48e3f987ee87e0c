"""Sentences of rate limits."""

from typing import TYPE_CHECKING, Protocol

from behave import given, step, then, when

from support.capabilities.rate_limiting_redis.client import Verdict

if TYPE_CHECKING:
    from support.capabilities.rate_limiting_redis.world import World


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"


# Customers


@given("two gateways in front of the API")
def gateways_in_front(context: Context) -> None:
    context.world.expect_nodes_well()


@given("{name:w}, a new customer on the {plan:w} plan")
def new_customer(context: Context, name: str, plan: str) -> None:
    context.world.customer(name, plan)


@given("new customers on the {plan:w} plan, named like {names:Names}")
def look_alikes(context: Context, plan: str, names: list[str]) -> None:
    context.world.look_alikes(names, plan)


@given("calls without an account, of {callers}")
def callers_without_account(context: Context, callers: str) -> None:
    context.world.strangers.come(callers)


# Calls


@when("{count:Count} of these are made at once, through both gateways in turn")
def strangers_call(context: Context, count: int) -> None:
    context.world.strangers.call_at_once(count)


@step("{name:w} has made {count:Count} calls at once")
@when("{name:w} makes {count:Count} calls at once, through both gateways in turn")
def call_at_once(context: Context, name: str, count: int) -> None:
    context.world.call_at_once(name, count)


@when("{name:w} makes {count:Count} calls at once through the first gateway, and then as many through the second")
def call_one_after_the_other(context: Context, name: str, count: int) -> None:
    context.world.call_one_gateway_after_the_other(name, count)


@when("each of them makes {count:Count} calls at once, through both gateways in turn")
def everybody_calls(context: Context, count: int) -> None:
    context.world.everybody_calls(count)


@when("{name:w} makes a call every {pause:Duration} for {time:Duration}, through both gateways in turn")
def call_steadily(context: Context, name: str, pause: float, time: float) -> None:
    context.world.call_steadily(name, pause, time)


@when("{name:w} makes {count:Count} calls one after the other, through both gateways in turn")
def call_in_turn(context: Context, name: str, count: int) -> None:
    context.world.call_in_turn(name, count)


@when(
    "{name:w} moves to the {better:w} plan, makes {count:Count} calls at once, "
    "moves back to the {worse:w} plan and makes {more:Count} more"
)
def change_plans(context: Context, name: str, better: str, count: int, worse: str, more: int) -> None:
    context.world.move(name, better)
    context.world.call_at_once(name, count)
    context.world.move(name, worse)
    context.world.call_at_once(name, more)


@when(
    "{name:w} asks for {first:Count} items, then for {second:Count} items, {times:Count} times, "
    "then for {last:Count} items, through both gateways in turn"
)
def ask_for_items(context: Context, name: str, first: int, second: int, times: int, last: int) -> None:
    context.world.ask_for(name, [first, *[second] * times, last])


@when("{name:w}'s request has {what}")
def senseless_request(context: Context, name: str, what: str) -> None:
    context.world.refusals.call(name, what)


@step("{name:w} makes {shown:Count} calls to the catalogue, and {orders:Count} for orders, one after the other")
def call_both(context: Context, name: str, shown: int, orders: int) -> None:
    context.world.outage.call(name, shown, orders)


@when("{count:Count} new customers call the first gateway, whose connection to Redis breaks a bit later each time")
def break_connections(context: Context, count: int) -> None:
    context.world.keys.break_connections(count)


@when("the gateways' counts in Redis are looked at")
def look_at_counts(context: Context) -> None:
    context.world.keys.expect_some()


@given("Redis has forgotten every script")
def forget_scripts(context: Context) -> None:
    context.world.keys.lose_scripts()


# What must hold


@then("exactly {count:Count} calls of {name:w} get through to the API")
def exactly_so_many(context: Context, count: int, name: str) -> None:
    context.world.expect_admitted(name, count)


@then("exactly {count:Count} of them get through to the API")
def exactly_so_many_of_strangers(context: Context, count: int) -> None:
    context.world.strangers.expect_admitted(count)


@then("exactly {count:Count} calls of each of them get through to the API")
def exactly_so_many_each(context: Context, count: int) -> None:
    context.world.expect_all_admitted(count)


@then(
    "in no window of {window:Duration} did more than {limit:Count} calls of {name:w} get through, "
    "and none was refused that would have fitted"
)
def limit_kept(context: Context, window: float, limit: int, name: str) -> None:
    context.world.expect_limit_kept(name, limit, window)


@then("exactly the requests for {first:Count} and {last:Count} items get through to the API")
def requests_that_fit(context: Context, first: int, last: int) -> None:
    context.world.expect_items(first, last)


@then("both gateways refuse it as {refusal:w}")
def refused_as(context: Context, refusal: str) -> None:
    context.world.refusals.expect(Verdict[refusal.upper()])


@then("all {count:Count} calls of {name:w} can still be made")
def nothing_was_used(context: Context, count: int, name: str) -> None:
    context.world.call_at_once(name, count + 2)
    context.world.expect_admitted(name, count)


@then("each answer tells a limit of {limit:Count} calls in {window:Duration}, and how many are left")
def told_what_is_left(context: Context, limit: int, window: float) -> None:
    context.world.expect_told("ada", limit, window)


@then("a call of {name:w} gets through once the time has passed that the last refusal told")
def let_in_after_refusal(context: Context, name: str) -> None:
    context.world.expect_let_in_when_told(name)


@then("none of them lives for longer than {life:Duration}, and {later:Duration} later none is left")
@then("none of the counts in Redis lives for longer than {life:Duration}, and {later:Duration} later none is left")
def counts_end(context: Context, life: float, later: float) -> None:
    context.world.keys.expect_ends(life)
    context.world.keys.expect_none(later)


@then("no call for orders gets through, and at most {count:Count} to the catalogue")
def only_what_is_open(context: Context, count: int) -> None:
    context.world.outage.expect_only_catalogue(count)


@then("all of that took less than {bound:Duration}")
def took_less(context: Context, bound: float) -> None:
    context.world.outage.expect_took(bound)


@then(
    "within {deadline:Duration} the gateways count together: "
    "of {asked:Count} calls at once of a new customer exactly {count:Count} get through"
)
def count_together(context: Context, deadline: float, asked: int, count: int) -> None:
    context.world.outage.expect_counted_together(deadline, asked, count)
