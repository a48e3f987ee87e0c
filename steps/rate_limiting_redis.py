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
    context.world.see_all_counting()


@given("{name:w}, a new customer on the {plan:w} plan")
def new_customer(context: Context, name: str, plan: str) -> None:
    context.world.customer(name, plan)


# Calls


@when("customers with names that look alike, and callers without an account, call at random, all at the same time")
def crowd_calls(context: Context) -> None:
    context.world.mix.call()


@given("{name:w} has made {count:Count} calls at once")
def has_called_at_once(context: Context, name: str, count: int) -> None:
    context.world.call_at_once(name, count)
    context.world.see_all_counting()  # a gateway that has just given Redis up would refuse whoever comes next


@when("{name:w} makes {count:Count} calls at once, through both gateways in turn")
def call_at_once(context: Context, name: str, count: int) -> None:
    context.world.call_anew(name, lambda: context.world.call_at_once(name, count))


@when("{name:w} asks for {items:Count} items, {count:Count} times at once, through both gateways in turn")
def ask_at_once(context: Context, name: str, items: int, count: int) -> None:
    context.world.call_anew(name, lambda: context.world.call_at_once(name, count, items=items))


@when("{name:w} makes {count:Count} calls at once through the first gateway, and then as many through the second")
def call_one_after_the_other(context: Context, name: str, count: int) -> None:
    context.world.call_anew(name, lambda: context.world.call_one_gateway_after_the_other(name, count))


@step("{name:w} makes a call every {pause:Duration} for {time:Duration}, through both gateways in turn")
def call_steadily(context: Context, name: str, pause: float, time: float) -> None:
    context.world.call_steadily(name, pause, time)


@when(
    "{name:w} makes 1 call, {pause:Duration} later {some:Count} calls at once, "
    "and {then:Duration} after these {more:Count} more"
)
def call_in_waves(context: Context, name: str, pause: float, some: int, then: float, more: int) -> None:
    context.world.waves.call(name, [(0, 1), (pause, some), (then, more)])


@when("{name:w} makes {count:Count} calls one after the other, through both gateways in turn")
def call_in_turn(context: Context, name: str, count: int) -> None:
    context.world.call_anew(name, lambda: context.world.call_in_turn(name, count))


@when(
    "{name:w} moves to the {better:w} plan, makes {count:Count} calls at once, "
    "moves back to the {worse:w} plan and makes {more:Count} more"
)
def change_plans(context: Context, name: str, better: str, count: int, worse: str, more: int) -> None:
    context.world.change_plans(name, [(better, count), (worse, more)])


@when(
    "{name:w} asks for {first:Count} items, then for {second:Count} items, {times:Count} times, "
    "then for {last:Count} items, through both gateways in turn"
)
def ask_for_items(context: Context, name: str, first: int, second: int, times: int, last: int) -> None:
    context.world.call_anew(name, lambda: context.world.ask_for(name, [first, *[second] * times, last]))


@when("{name:w}'s request has {what}")
def senseless_request(context: Context, name: str, what: str) -> None:
    context.world.refusals.call(name, what)


@when(
    "{name:w} makes {count:Count} calls at once through the first gateway, "
    "and then {more:Count} one after the other through both, for orders and to the catalogue"
)
def call_both(context: Context, name: str, count: int, more: int) -> None:
    context.world.outage.call(name, count, more)


@when("{count:Count} new customers call the first gateway, whose connection to Redis breaks a bit later each time")
def break_connections(context: Context, count: int) -> None:
    context.world.keys.break_connections(count)


@given("Redis has forgotten every script {times:Count} times, and was taught them again in between")
def forget_scripts(context: Context, times: int) -> None:
    context.world.keys.lose_scripts(times)


# What must hold


@then("every answer is right by the caller's own calls and plan: let in or not, what is left, and when to ask again")
def every_answer_explained(context: Context) -> None:
    context.world.mix.expect_explained(apart=False)


@then("each gateway takes no orders, and answers all else by the caller's own calls to it and plan")
def every_answer_explained_apart(context: Context) -> None:
    context.world.mix.expect_explained(apart=True)


@then("exactly {count:Count} calls of {name:w} get through to the API")
def exactly_so_many(context: Context, count: int, name: str) -> None:
    context.world.expect_admitted(name, count)


@then(
    "in no window of {window:Duration} did more than {limit:Count} calls of {name:w} get through, "
    "and none was refused that would have fitted"
)
def limit_kept(context: Context, window: float, limit: int, name: str) -> None:
    context.world.expect_limit_kept(name, limit, window)


@then(
    "exactly the requests for {first:Count} and {last:Count} items get through to the API, "
    "and each answer tells how many are left"
)
def requests_that_fit(context: Context, first: int, last: int) -> None:
    context.world.expect_items(first, last)


@then("both gateways refuse it as {refusal:w}")
def refused_as(context: Context, refusal: str) -> None:
    context.world.refusals.expect(Verdict[refusal.upper()])


@then("one request of {name:w} for all {count:Count} items still gets through")
def nothing_was_used(context: Context, name: str, count: int) -> None:
    context.world.ask_for(name, [count])
    context.world.expect_admitted(name, 1)


@then("each answer tells {name:w} a limit of {limit:Count} calls in {window:Duration}, and how many are left")
def told_what_is_left(context: Context, name: str, limit: int, window: float) -> None:
    context.world.expect_told(name, limit, window)


@then(
    "every refusal tells {name:w} to ask again, in {earliest:Duration} at the earliest "
    "and in {latest:Duration} at the latest"
)
def told_when_to_ask(context: Context, name: str, earliest: float, latest: float) -> None:
    context.world.expect_told_to_wait(name, earliest, latest)


@then("what {name:w} was refused last gets through once the time has passed that she was told")
def let_in_after_refusal(context: Context, name: str) -> None:
    context.world.expect_let_in_when_told(name)


@then("none of the counts in Redis lives for longer than {life:Duration}, and {later:Duration} later none is left")
def counts_end(context: Context, life: float, later: float) -> None:
    context.world.keys.expect_ends(life)
    context.world.keys.expect_none(later)


@then("no call for orders gets through")
def no_orders(context: Context) -> None:
    context.world.outage.expect_no_orders()


@then("no gateway let more through in any {window:Duration} than a plan allows, nor refused a call that fits the plan")
def each_keeps_limits(context: Context, window: float) -> None:
    context.world.outage.expect_limits_kept_by_each(window)


@then("all of that took at most {more:Duration} longer than {times:Count} times as many calls that need no Redis")
def nobody_waited(context: Context, more: float, times: int) -> None:
    context.world.outage.expect_took(times, more)


@then(
    "{count:Count} calls of {name:w} to the catalogue, one after the other, "
    "take at most {more:Duration} longer than {times:Count} times as many that need no Redis"
)
def nobody_waits(context: Context, count: int, name: str, more: float, times: int) -> None:
    context.world.outage.look(name, count)
    context.world.outage.expect_took(times, more)


@step(
    "within {deadline:Duration} the gateways count together: "
    "of {asked:Count} calls at once of a new customer exactly {count:Count} get through"
)
def count_together(context: Context, deadline: float, asked: int, count: int) -> None:
    context.world.outage.expect_counted_together(deadline, asked, count)
