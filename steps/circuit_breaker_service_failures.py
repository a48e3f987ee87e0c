"""Sentences of circuit breakers."""

from typing import TYPE_CHECKING, Any, Protocol

from behave import given, then, when
from behave.matchers import register_type
from parse import with_pattern

from support.capabilities.circuit_breaker_service_failures.client import State
from support.capabilities.circuit_breaker_service_failures.failures import FAILURES, TRICKLES

if TYPE_CHECKING:
    from support.capabilities.circuit_breaker_service_failures.world import World


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"
    table: Any


@with_pattern("|".join((*FAILURES, TRICKLES)))  # type: ignore[untyped-decorator]  # parse's own
def failure(text: str) -> str:
    """One of the ways in which a service fails."""
    return text


@with_pattern(r"[a-z-]+(?:, [a-z-]+)+")  # type: ignore[untyped-decorator]  # parse's own
def states(text: str) -> list[State]:
    """States such as "closed, open, half-open"."""
    return [State[name.upper().replace("-", "_")] for name in text.split(", ")]


register_type(Failure=failure, States=states)


# The service


@given("two gateways in front of a service")
def gateways_in_front(context: Context) -> None:
    context.world.expect_nodes_well()


@given("the service tells its callers {what}")
def service_tells(context: Context, what: str) -> None:
    context.world.answer_by(what)


@given("the service lets its callers wait")
def service_waits(context: Context) -> None:
    context.world.hold()


@given("the service {how:Failure}")
def service_fails(context: Context, how: str) -> None:
    context.world.misbehave(how)


# The breaker


@given("the breaker of the first gateway is open")
def breaker_is_open(context: Context) -> None:
    context.world.outage.begin()


@given("the breaker of the first gateway has been open for as long as it has to")
def breaker_has_waited(context: Context) -> None:
    context.world.probing.await_half_open()


@given("the breakers of both gateways opened together for each of {count:Count} services")
def breakers_opened_together(context: Context, count: int) -> None:
    context.world.spread.open(count)


# Calls


@given("{count:Count} calls through the first gateway that the service lets wait")
def calls_that_wait(context: Context, count: int) -> None:
    context.world.probing.hold_calls(count)


@given("{count:Count} calls through the first gateway went well")
def calls_went_well(context: Context, count: int) -> None:
    context.world.call(count)


@given("{count:Count} calls through the first gateway went well, and {failed:Count} failed")
def calls_went_well_or_failed(context: Context, count: int, failed: int) -> None:
    context.world.call(count)
    context.world.misbehave("fails")
    context.world.call(failed)


@given("{time:Duration} later {count:Count} more failed")
@when("{time:Duration} later {count:Count} more are made")
def call_later(context: Context, time: float, count: int) -> None:
    context.world.let_pass(time)
    context.world.call(count)


@given("{count:Count} calls were made at once through the first gateway")
def call_at_once(context: Context, count: int) -> None:
    context.world.call_at_once(count)


@when("{count:Count} calls are made through the first gateway")
def call(context: Context, count: int) -> None:
    context.world.call(count)


@when("{count:Count} calls are made at once through the first gateway, and then {more:Count} more")
def call_until_open(context: Context, count: int, more: int) -> None:
    context.world.call_at_once(count)
    context.world.call(more)


@when("{count:Count} calls of another service are made through the first gateway")
def call_another(context: Context, count: int) -> None:
    context.world.probing.call_another(count)


@when("{count:Count} calls are made at once through the first gateway, while the service lets its callers wait")
def crowd(context: Context, count: int) -> None:
    context.world.probing.crowd(count)


@when("{count:Count} callers of the first gateway hang up, and the service is well again")
def hang_up(context: Context, count: int) -> None:
    context.world.probing.hang_up(count)


@when("one who decides hears that there is no such thing, {count:Count} hang up, and {others:Count} more call at once")
def hang_up_and_crowd(context: Context, count: int, others: int) -> None:
    context.world.probing.hang_up_and_crowd(count, others)


@when("it is called all the time, and each time one of the calls that decide fails, is slow or hangs")
def endure(context: Context) -> None:
    context.world.outage.endure()


@when("all of these are called all the time")
def call_all(context: Context) -> None:
    context.world.spread.keep_calling()


@when("the breaker opens because of other calls, and then these {count:Count} are answered")
def open_before_answers(context: Context, count: int) -> None:
    context.world.probing.answer_late(count)


# Earlier answers


@given("the service has answered {count:Count} questions through the first gateway, each of them twice")
def questions_answered(context: Context, count: int) -> None:
    context.world.fallback.learn(count)


@when("it fails, and they are asked again before and after its breaker opens, and then a new one is")
def ask_again(context: Context) -> None:
    context.world.fallback.ask_again()


# Settings


@when("gateways are started, each with one of these settings")
def start_with_nonsense(context: Context) -> None:
    context.world.candidates.start([row["nonsense"] for row in context.table])


# What must hold


@then("exactly {count:Count} of these {all:Count} reach the service")
def so_many_reach_it(context: Context, count: int, all: int) -> None:
    context.world.expect_reached(count, all)


@then("all of these {count:Count} reach the service")
def all_of_these_reach_it(context: Context, count: int) -> None:
    context.world.expect_reached(count, count)


@then("the other {count:Count} callers hear at once that it was not asked, and when to ask again")
def others_hear_at_once(context: Context, count: int) -> None:
    context.world.expect_not_asked(count)


@then("who asked the new one hears at once that the service was not asked, and when to ask again")
def new_one_hears_at_once(context: Context) -> None:
    context.world.expect_not_asked(1)


@then("none of these {count:Count} reaches the service")
def none_reaches_it(context: Context, count: int) -> None:
    context.world.expect_spared(count)


@then("none of the next {count:Count} calls reaches the service")
def none_of_the_next_reaches_it(context: Context, count: int) -> None:
    context.world.expect_next_spared(count)


@then("no call has reached the service twice")
def none_twice(context: Context) -> None:
    context.world.expect_reached_once()


@then("nobody has waited for longer than {limit:Duration}")
def nobody_waited(context: Context, limit: float) -> None:
    context.world.expect_nobody_waited(limit)


@then("{count:Count} calls at once all reach the service")
def all_reach_it(context: Context, count: int) -> None:
    context.world.expect_let_through(count)


@then("{count:Count} calls of the service through the other gateway, and {more:Count} of another service, all arrive")
def others_go_on(context: Context, count: int, more: int) -> None:
    context.world.expect_others_go_on(count, more)


@then("within {deadline:Duration} both gateways say that they are well")
def both_well(context: Context, deadline: float) -> None:
    context.world.expect_nodes_well(deadline)


@then("they are answered before any of those that wait is")
def not_held_up(context: Context) -> None:
    context.world.probing.expect_not_held_up()


@then("exactly {few:Count} of the {all:Count} reach the service, and {rest:Count} others are refused while these wait")
def few_are_let_through(context: Context, few: int, all: int, rest: int) -> None:
    context.world.probing.expect_only(few, rest)


@then("the gateway's metrics tell of each change of state once: {states:States}")
def changes_are_told(context: Context, states: list[State]) -> None:
    context.world.expect_transitions(states)


@then("it is asked again after {first:Duration}, {second:Duration} and {third:Duration}, each time up to 25 % later")
def asked_less_often(context: Context, first: float, second: float, third: float) -> None:
    context.world.outage.expect_waits([first, second, third], spread=0.25)


@then("who asked again when told to was let through, and nobody was told to wait {time:Duration} too long")
def told_when(context: Context, time: float) -> None:
    context.world.outage.expect_told_when(time)


@then("the two gateways did not wait for equally long each time")
def waited_apart(context: Context) -> None:
    context.world.spread.expect_apart()


@then("each time the callers get the service's last answers to them, and hear that these are earlier ones")
def last_answers(context: Context) -> None:
    context.world.fallback.expect_last_answers()


@then("{time:Duration} later none of these answers is given any more")
def answers_forgotten(context: Context, time: float) -> None:
    context.world.fallback.expect_forgotten(time)


@then("each ends with an error that names the setting")
def names_the_setting(context: Context) -> None:
    context.world.candidates.expect_refused()
