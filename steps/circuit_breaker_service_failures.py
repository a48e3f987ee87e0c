"""Sentences of circuit breakers."""

from typing import TYPE_CHECKING, Protocol

from behave import given, then, when
from behave.matchers import register_type
from parse import with_pattern

from support.capabilities.circuit_breaker_service_failures.client import State
from support.capabilities.circuit_breaker_service_failures.failures import FAILURES

if TYPE_CHECKING:
    from support.capabilities.circuit_breaker_service_failures.world import World


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"


@with_pattern("|".join(FAILURES))  # type: ignore[untyped-decorator]  # parse's own
def failure(text: str) -> str:
    """One of the ways in which a service fails."""
    return text


register_type(Failure=failure)


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
    context.world.probing.open()


@given("the breaker of the first gateway has been open for as long as it has to")
def breaker_has_waited(context: Context) -> None:
    context.world.probing.await_half_open()


@given("{count:Count} calls through the first gateway that the service lets wait")
def calls_that_wait(context: Context, count: int) -> None:
    context.world.probing.hold_calls(count)


# Calls


@given("{count:Count} calls were made through the first gateway, and {time:Duration} have passed")
def calls_some_time_ago(context: Context, count: int, time: float) -> None:
    context.world.call(count)
    context.world.let_pass(time)


@when("{count:Count} calls are made through the first gateway")
def call(context: Context, count: int) -> None:
    context.world.call(count)


@when("{count:Count} calls are made at once through the first gateway, and then {more:Count} more")
def call_until_open(context: Context, count: int, more: int) -> None:
    context.world.call_at_once(count)
    context.world.call(more)


@when("{count:Count} calls are made at once through the first gateway, while the service lets its callers wait")
def crowd(context: Context, count: int) -> None:
    context.world.probing.crowd(count)


@when("{count:Count} callers of the first gateway hang up, and the service is well again")
def hang_up(context: Context, count: int) -> None:
    context.world.probing.hang_up(count)


@when("the service fails on, and is called all the time")
def fail_on(context: Context) -> None:
    context.world.probing.keep_calling(rounds=3, within_s=14)


@when("the breaker opens because of other calls, and then these {count:Count} are answered")
def open_before_answers(context: Context, count: int) -> None:
    context.world.probing.answer_late()


@when("a gateway is started with {nonsense}")
def start_with_nonsense(context: Context, nonsense: str) -> None:
    context.world.candidate.start(nonsense)


# What must hold


@then("exactly {count:Count} calls reach the service")
def so_many_reach_it(context: Context, count: int) -> None:
    context.world.expect_arrived(count)


@then("the other {count:Count} callers hear at once that it was not asked, and when to ask again")
def others_hear_at_once(context: Context, count: int) -> None:
    context.world.expect_not_asked(count)


@then("none of these {count:Count} reaches the service")
@then("none of the next {count:Count} calls reaches the service")
def none_reaches_it(context: Context, count: int) -> None:
    context.world.expect_spared(count)


@then("{count:Count} calls at once all reach the service")
def all_reach_it(context: Context, count: int) -> None:
    context.world.expect_let_through(count)


@then("{count:Count} calls of the service through the other gateway, and {more:Count} of another service, all arrive")
def others_go_on(context: Context, count: int, more: int) -> None:
    context.world.expect_others_go_on(count, more)


@then(
    "exactly {few:Count} of the {all:Count} reach the service, and the {rest:Count} others are refused while these wait"
)
def few_are_let_through(context: Context, few: int, all: int, rest: int) -> None:
    context.world.probing.expect_only(few, rest)


@then("the gateway's metrics tell of each change of state once: closed, open, half-open, closed")
def changes_are_told(context: Context) -> None:
    context.world.expect_transitions(State.CLOSED, State.OPEN, State.HALF_OPEN, State.CLOSED)


@then("it is asked again after {first:Duration}, {second:Duration} and {third:Duration}, each time up to 25 % later")
def asked_less_often(context: Context, first: float, second: float, third: float) -> None:
    context.world.probing.expect_longer_each_time([first, second, third], spread=0.25)


@then("within {deadline:Duration} the service is called as ever")
def called_as_ever(context: Context, deadline: float) -> None:
    context.world.probing.expect_closed(deadline)


@then("it ends with an error that names the setting")
def names_the_setting(context: Context) -> None:
    context.world.candidate.expect_refused()
