"""Sentences of circuit breakers."""

from typing import TYPE_CHECKING, Any, Protocol

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
    table: Any


@with_pattern("|".join(FAILURES))  # type: ignore[untyped-decorator]  # parse's own
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
    context.world.open()


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


@when("callers of the first gateway call one service, in turn alone and while {count:Count} wait for another one")
def call_beside(context: Context, count: int) -> None:
    context.world.beside.call(count)


@when("{count:Count} calls are made at once through the first gateway, while the service lets its callers wait")
def crowd(context: Context, count: int) -> None:
    context.world.probing.crowd(count)


@when(
    "{count:Count} callers of the first gateway hang up at once and {later:Count} after {time:Duration}, "
    "and then the service is well"
)
def hang_up(context: Context, count: int, later: int, time: float) -> None:
    context.world.probing.hang_up(count, later, time)


@when(
    "one of 3 who decide hears that there is no such thing, one hangs up, one waits, "
    "and {others:Count} more call at once"
)
def hang_up_and_crowd(context: Context, others: int) -> None:
    context.world.probing.hang_up_and_crowd(others)


@when("all of these are called all the time")
def call_all(context: Context) -> None:
    context.world.spread.keep_calling()


@when("the breaker opens because of other calls, and then these {count:Count} are answered")
def open_before_answers(context: Context, count: int) -> None:
    context.world.probing.answer_late(count)


# Earlier answers


@given("services that have answered the same questions, each of them twice, and refused one")
def questions_answered(context: Context) -> None:
    context.world.fallback.learn()


@when(
    "each fails in its own way, and all is asked again before and after its breaker opens, "
    "and {age:Duration} after the answers"
)
def ask_again(context: Context, age: float) -> None:
    context.world.fallback.ask_again(age)


# Whole outages


@given("services whose names are alike, which do what each of their callers asks for")
def services_do_as_asked(context: Context) -> None:
    context.world.lives.tell()


@when("callers of each through both gateways meet outages that end, go on or come back, with calls of every kind")
def live_through_outages(context: Context) -> None:
    context.world.lives.live()


# Settings


@when("gateways are started, each with one of these in all settings where it makes no sense")
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
    context.world.probing.expect_all_reach(count)


@then("{count:Count} calls of the service through the other gateway, and {more:Count} of another service, all arrive")
def others_go_on(context: Context, count: int, more: int) -> None:
    context.world.expect_others_go_on(count, more)


@then("within {deadline:Duration} both gateways say that they are well")
def both_well(context: Context, deadline: float) -> None:
    context.world.expect_nodes_well(deadline)


@then("they are answered at least {share:Count} % as often while the {count:Count} wait as they are alone")
def answered_as_often(context: Context, share: int, count: int) -> None:
    context.world.beside.expect_as_often(share)


@then("exactly {few:Count} of the {all:Count} reach the service, and {rest:Count} others are refused while these wait")
@then(
    "exactly {few:Count} of the {all:Count} reaches the service, and {rest:Count} others are refused while these wait"
)
def few_are_let_through(context: Context, few: int, all: int, rest: int) -> None:
    context.world.probing.expect_only(few, rest)


@then("the gateway's metrics tell of each change of state once: {states:States}")
def changes_are_told(context: Context, states: list[State]) -> None:
    context.world.expect_transitions(states)


@then("the two gateways did not wait for equally long each time")
def waited_apart(context: Context) -> None:
    context.world.spread.expect_apart()


@then("each time the callers get that service's last answers, and hear that these are earlier ones")
def last_answers(context: Context) -> None:
    context.world.fallback.expect_last_answers()


@then("failures that no caller noticed count: after 10 of them the services get no calls")
def left_in_peace_all_the_same(context: Context) -> None:
    context.world.fallback.expect_left_in_peace()


@then("who asks what was refused, or never answered, hears that the service was not asked, and when to ask again")
def not_asked(context: Context) -> None:
    context.world.fallback.expect_not_asked()


@then("{time:Duration} after they were given for the first time none of these answers is given any more")
def answers_forgotten(context: Context, time: float) -> None:
    context.world.fallback.expect_forgotten(time)


@then("every caller heard how that call ended, or was refused when it had to be, and was told when to ask again")
def as_modelled(context: Context) -> None:
    context.world.lives.expect_as_modelled()


@then("each call that was let through has come to its service once, and no other call has")
def came_once(context: Context) -> None:
    context.world.lives.expect_arrivals()


@then("the metrics of both gateways tell of each change of state of each breaker once")
def all_changes_are_told(context: Context) -> None:
    context.world.lives.expect_changes()


@then("each ends with an error that names all of these settings")
def names_the_setting(context: Context) -> None:
    context.world.candidates.expect_refused()
