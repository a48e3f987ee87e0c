"""Sentences of service discovery."""

from typing import TYPE_CHECKING, Protocol

from behave import given, then, when
from behave.matchers import register_type
from parse import with_pattern

from support.capabilities.service_discovery_health_checks.client import Health, Way
from support.nouns import Who

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World

_WAYS = {"watch": Way.WATCH, "DNS": Way.DNS}


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"


@with_pattern("|".join(_WAYS))  # type: ignore[untyped-decorator]  # parse's own
def way(text: str) -> Way:
    """How a gateway finds instances."""
    return _WAYS[text]


@with_pattern(r"\d+(?:st|nd|rd|th)")  # type: ignore[untyped-decorator]  # parse's own
def nth(text: str) -> int:
    """Which one, from "2nd"."""
    return int(text[:-2])


register_type(Way=way, Nth=nth)


# What is so


@given("two gateways that call three healthy instances")
def all_ready(context: Context) -> None:
    context.world.expect_ready()


@given("an instance of another service has crashed")
def has_crashed(context: Context) -> None:
    context.world.casualty.crash()


@given("{who:Node} warns")
def warns(context: Context, who: Who) -> None:
    context.world.answer_checks(who, Health.WARNING)


@given("{who:Node} fails its checks")
@when("{who:Node} fail their checks")
def fails(context: Context, who: Who) -> None:
    context.world.answer_checks(who, Health.FAILING)


@given("{who:Node} fails its checks meanwhile")
def fails_meanwhile(context: Context, who: Who) -> None:
    context.world.outage.fail_meanwhile(who, Who("gateway", 1))


@given("Consul's list is watched")
def list_is_watched(context: Context) -> None:
    context.world.record.looks.clear()


@given("callers who call through both gateways all the time")
def callers(context: Context) -> None:
    context.world.traffic.made.clear()


@given("{who:Node} is working on calls that take {takes:Duration}")
def is_working(context: Context, who: Who, takes: float) -> None:
    context.world.ending.begin_work(who, takes)


@given("Consul has counted {count:Count} changes of the service")
def counted_changes(context: Context, count: int) -> None:
    context.world.outage.make_changes(count)


@given("another instance of the service with the tag canary")
def canary_runs(context: Context) -> None:
    context.world.canary.start_for_scenario()


@given("Consul also lists instances without a port, at no address, and at a name that nobody has")
def lists_nonsense(context: Context) -> None:
    context.world.outage.register_nonsense()


# What happens


@when("{count:Count} calls are made through each of {who:Node}")
def call_through_each(context: Context, count: int, who: Who) -> None:
    context.world.call(count, who)


@when("{count:Count} calls are made through {who:Node}, which finds instances by {way:Way}")
def call_by(context: Context, count: int, who: Who, way: Way) -> None:
    context.world.call(count, who, way)


@when("{who:Node} fails its checks until it is out, and then passes them until it is back")
def fail_and_recover(context: Context, who: Who) -> None:
    context.world.thresholds.fail_and_recover(who)


@when("{who:Node} fails every other of {count:Count} checks")
def flap(context: Context, who: Who, count: int) -> None:
    context.world.thresholds.flap(who, count)


@when("{who:Node} are replaced one after the other")
def roll_out(context: Context, who: Who) -> None:
    context.world.ending.roll_out(who)


@when("{who:Node} dies and a stranger gets its address")
def stranger_takes_place(context: Context, who: Who) -> None:
    context.world.stranger.take_place_of(who)


@when("{count:Count} calls are made that ask for the tag canary")
def call_canary(context: Context, count: int) -> None:
    context.world.canary.call(count, "canary")


@when("{nobody} is called through each of {who:Node}")
def call_nobody(context: Context, nobody: str, who: Who) -> None:
    context.world.call_nobody(nobody, who)


@when("a minute has passed since")
def minute_has_passed(context: Context) -> None:
    context.world.casualty.await_minute()


# What must hold


@then("each of {who:Node} has answered {count:Count} calls")
@then("{who:Node} has answered {count:Count} calls")
def has_answered(context: Context, who: Who, count: int) -> None:
    context.world.expect_served(who, count)


@then("it went out at its {failed:Nth} failed check, and came back at its {good:Nth} good one")
def changed_after(context: Context, failed: int, good: int) -> None:
    context.world.thresholds.expect_changed_after(failed, good)


@then("it was out within {seconds:Duration}")
def out_within(context: Context, seconds: float) -> None:
    context.world.thresholds.expect_out_within(seconds)


@then("it was never out")
def never_out(context: Context) -> None:
    context.world.thresholds.expect_never_out()


@then("{who:Node} is out within {seconds:Duration}")
def silent_is_out(context: Context, who: Who, seconds: float) -> None:
    context.world.silence.expect_out(who, seconds)


@then(
    "{later:Duration} later {count:Count} calls through each of {gateways:Node} are answered within {each:Duration} "
    "each, none of them by it"
)
def costs_nobody(context: Context, later: float, count: int, gateways: Who, each: float) -> None:
    context.world.silence.expect_costs_nobody(later, count, gateways, each)


@then("{who:Node} gets its first call after its first good check, and within {seconds:Duration} of being listed")
def first_call(context: Context, who: Who, seconds: float) -> None:
    context.world.beginning.expect_first_call(who, seconds)


@then("Consul no longer lists it before it stops answering")
def out_before_closed(context: Context) -> None:
    context.world.ending.expect_out_before_closed()


@then("it has answered what it was working on")
def work_is_done(context: Context) -> None:
    context.world.ending.expect_work_done()


@then("all of these calls are answered")
def all_are_answered(context: Context) -> None:
    context.world.expect_all_answered()


@then("no call has failed")
def none_has_failed(context: Context) -> None:
    context.world.traffic.expect_none_failed()


@then("no call fails for {seconds:Duration}")
def none_fails_for(context: Context, seconds: float) -> None:
    context.world.traffic.go_on(seconds)
    context.world.traffic.expect_none_failed()


@then("{count:Count} calls through each of {who:Node} reach all instances alike")
def reach_all_alike(context: Context, count: int, who: Who) -> None:
    context.world.expect_spread(count, who)


@then("{later:Duration} later {count:Count} calls through each of {who:Node} reach all instances alike")
def reach_all_alike_later(context: Context, later: float, count: int, who: Who) -> None:
    context.world.let_pass(later)
    context.world.expect_spread(count, who)


@then("for {seconds:Duration} Consul lists nobody, and no call fails")
def nobody_is_listed(context: Context, seconds: float) -> None:
    context.world.outage.expect_none_failed_while_nobody_is_named(seconds)


@then("within {seconds:Duration} all instances are listed again")
def listed_again(context: Context, seconds: float) -> None:
    context.world.outage.expect_named_again(seconds)


@then("when {who:Node} fails its checks, no gateway calls it from 1 s after it is out")
def change_is_heeded(context: Context, who: Who) -> None:
    context.world.outage.expect_heeded(who)


@then("within {seconds:Duration} {gateway:Node} no longer calls {who:Node}")
def no_longer_calls(context: Context, seconds: float, gateway: Who, who: Who) -> None:
    context.world.outage.expect_left_out(who, gateway, seconds)


@then("it had tried to connect at most {count:Count} times meanwhile")
def tried_at_most(context: Context, count: int) -> None:
    context.world.outage.expect_tried_at_most(count)


@then("Consul lists {count:Count} instances of the service")
def lists_so_many(context: Context, count: int) -> None:
    context.world.expect_listed(count)


@then("{count:Count} calls through {gateway:Node} are all answered by the others")
def answered_by_others(context: Context, count: int, gateway: Who) -> None:
    context.world.stranger.expect_never_called(count, gateway)


@then("it has answered all of them, and no other instance got one")
def canary_answered_all(context: Context) -> None:
    context.world.canary.expect_answered_all()


@then("the callers hear that there is no such thing, and no instance got a call")
def no_such_thing(context: Context) -> None:
    context.world.expect_unknown()


@then("Consul still lists it until then, and no longer after {within:Duration}")
def is_forgotten(context: Context, within: float) -> None:
    context.world.casualty.expect_forgotten(within)
