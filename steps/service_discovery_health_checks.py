"""Sentences of service discovery."""

from typing import TYPE_CHECKING, Protocol

from behave import given, then, when
from behave.matchers import register_type
from parse import with_pattern

from support.capabilities.service_discovery_health_checks.client import Health
from support.nouns import Who

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"


@with_pattern(r"\d+(?:st|nd|rd|th)")  # type: ignore[untyped-decorator]  # parse's own
def nth(text: str) -> int:
    """Which one, from "2nd"."""
    return int(text[:-2])


register_type(Nth=nth)


# What is so


@given("two gateways that call three healthy instances")
def all_ready(context: Context) -> None:
    context.world.expect_ready()


@given("an instance of another service has crashed")
@when("an instance of another service crashes")
def has_crashed(context: Context) -> None:
    context.world.casualty.crash()


@given("a service was called before there was any")
def called_too_early(context: Context) -> None:
    context.world.casualty.call_too_early()


@given("{who:Node} warns")
def warns(context: Context, who: Who) -> None:
    context.world.answer_checks(who, Health.WARNING)


@when("{who:Node} fails its checks")
@when("{who:Node} fail their checks")
def fails(context: Context, who: Who) -> None:
    context.world.answer_checks(who, Health.FAILING)
    context.world.let_pass(1)  # whoever is told of it by Consul has heard


@given("{who:Node} fails its checks meanwhile")
def fails_meanwhile(context: Context, who: Who) -> None:
    context.world.outage.fail_meanwhile(who, Who("gateway", 1))


@given("{who:Node} fails every other check")
def flaps(context: Context, who: Who) -> None:
    context.world.thresholds.flap(who)


@given("Consul's list is watched")
def list_is_watched(context: Context) -> None:
    context.world.record.looks.clear()


@given("callers who call through both gateways all the time")
def callers(context: Context) -> None:
    context.world.traffic.begin()


@given("{who:Node} is working on calls that take {takes:Duration}")
def is_working(context: Context, who: Who, takes: float) -> None:
    context.world.ending.begin_work(who, takes)


@given("Consul has counted {count:Count} changes of the service")
def counted_changes(context: Context, count: int) -> None:
    context.world.outage.make_changes(count)


@given("it is known since when each instance is listed")
def list_is_known(context: Context) -> None:
    context.world.outage.remember_list()


# What happens


@when("its first instance starts")
def first_instance_starts(context: Context) -> None:
    context.world.casualty.start_service()


@when("Consul lists instances under 20 tags, by which they are well, warn, fail or are not there")
def lists_tags(context: Context) -> None:
    context.world.tagged.register()


@when("{who:Node} fails its checks until it is out, and then passes them until it is back")
def fail_and_recover(context: Context, who: Who) -> None:
    context.world.thresholds.fail_and_recover(who)


@when("{who:Node} are replaced, two at a time")
def roll_out(context: Context, who: Who) -> None:
    context.world.ending.roll_out(who, 2)


@when("{who:Node} dies and a stranger gets its address")
def stranger_takes_place(context: Context, who: Who) -> None:
    context.world.stranger.take_place_of(who)


@when("services with names much like the instances' are registered at their addresses")
def lookalikes(context: Context) -> None:
    context.world.lookalikes.register_elsewhere()


@when("Consul also lists instances without a port, where nothing listens, and at addresses that nobody has")
def lists_nonsense(context: Context) -> None:
    context.world.nonsense.register()


@when("a minute has passed since")
def minute_has_passed(context: Context) -> None:
    context.world.casualty.await_minute()


# What must hold


@then("{count:Count} calls of each kind through each of {who:Node} are shared evenly by all instances")
def shared_by_all(context: Context, count: int, who: Who) -> None:
    context.world.expect_shared(count, who)


@then("so they are {later:Duration} later")
def shared_later(context: Context, later: float) -> None:
    context.world.let_pass(later)
    context.world.expect_shared(6, Who("gateway"))


@then("{count:Count} calls of each kind through each of {who:Node} are shared evenly by all but {left_out:Node}")
def shared_by_others(context: Context, count: int, who: Who, left_out: Who) -> None:
    context.world.expect_shared(count, who, context.world.adapters(left_out))


@then("calls for each tag are shared evenly by those that do not fail by it, or by all that have it, if all fail")
def tags_are_found(context: Context) -> None:
    context.world.tagged.expect_found()


@then("so they are 1 s after every tag has changed")
def tags_are_found_anew(context: Context) -> None:
    context.world.tagged.register()
    context.world.tagged.expect_found()


@then("calls of a service that was never called before are put off")
def out_of_reach(context: Context) -> None:
    context.world.outage.expect_out_of_reach()


@then("for {seconds:Duration} more no call fails, and most take at most {times:Count} times as long as before")
def none_fails_for(context: Context, seconds: float, times: int) -> None:
    context.world.traffic.go_on(seconds)
    context.world.traffic.expect_none_failed()
    context.world.traffic.expect_as_fast(times)


@then(
    "when Consul is back, all instances are listed again within {seconds:Duration}, and a change is noticed within "
    "{soon:Duration}"
)
def listed_again(context: Context, seconds: float, soon: float) -> None:
    context.world.outage.end_with_losses(seconds)
    context.world.outage.expect_heeded(Who("instance", 1), soon)


@then(
    "when Consul goes on, all instances are listed as before within {seconds:Duration}, and a change is noticed within "
    "{soon:Duration}"
)
def listed_as_before(context: Context, seconds: float, soon: float) -> None:
    context.world.outage.end_without_losses(seconds)
    context.world.outage.expect_heeded(Who("instance", 1), soon)


@then("for {seconds:Duration} Consul lists nobody, and no call fails")
def nobody_is_listed(context: Context, seconds: float) -> None:
    context.world.outage.expect_none_failed_while_nobody_is_named(seconds)


@then("{who:Node} ends when it is asked to, and serves within {seconds:Duration} once it is started again")
def can_be_replaced(context: Context, who: Who, seconds: float) -> None:
    context.world.outage.expect_replaced(who, seconds)


@then("when all instances reach Consul again, they are listed within {seconds:Duration}")
def listed_late(context: Context, seconds: float) -> None:
    context.world.outage.end_of_cuts(seconds)


@then("within {seconds:Duration} {gateway:Node} no longer calls {who:Node}")
def no_longer_calls(context: Context, seconds: float, gateway: Who, who: Who) -> None:
    context.world.outage.expect_left_out(who, gateway, seconds)


@then("it had tried to connect at most {count:Count} times a second meanwhile")
def tried_at_most(context: Context, count: int) -> None:
    context.world.outage.expect_tried_at_most(count)


@then("it went out at its {failed:Nth} failed check, and came back at its {good:Nth} good one")
def changed_after(context: Context, failed: int, good: int) -> None:
    context.world.thresholds.expect_changed_after(failed, good)


@then("it was out within {seconds:Duration}")
def out_within(context: Context, seconds: float) -> None:
    context.world.thresholds.expect_out_within(seconds)


@then("{who:Node} was never out in {count:Count} checks")
def never_out(context: Context, who: Who, count: int) -> None:
    context.world.thresholds.expect_never_out(who, count)


@then("{who:Node} is out within {seconds:Duration}")
def silent_is_out(context: Context, who: Who, seconds: float) -> None:
    context.world.silence.expect_out(who, seconds)


@then(
    "{later:Duration} later {count:Count} calls of each kind through each of {gateways:Node} are answered within "
    "{each:Duration} each, none of them by it"
)
def costs_nobody(context: Context, later: float, count: int, gateways: Who, each: float) -> None:
    context.world.silence.expect_costs_nobody(later, count, gateways, each)


@then("each of {who:Node} finds it within {seconds:Duration} of its being listed")
def is_found(context: Context, who: Who, seconds: float) -> None:
    context.world.casualty.expect_found(who, seconds)


@then("{who:Node} gets its first call after its first good check, and within {seconds:Duration} of being listed")
def first_call(context: Context, who: Who, seconds: float) -> None:
    context.world.beginning.expect_first_call(who, seconds)


@then("each of {who:Node} left Consul's list before it stopped answering")
def out_before_closed(context: Context, who: Who) -> None:
    context.world.ending.expect_out_before_closed(who)


@then("{who:Node} has answered what it was working on")
def work_is_done(context: Context, who: Who) -> None:
    context.world.ending.expect_work_done(who)


@then("no call has failed")
def none_has_failed(context: Context) -> None:
    context.world.traffic.expect_none_failed()


@then("Consul lists {count:Count} instances of the service")
def lists_so_many(context: Context, count: int) -> None:
    context.world.expect_listed(count)


@then("{count:Count} calls through {gateway:Node} are all answered by the others")
def answered_by_others(context: Context, count: int, gateway: Who) -> None:
    context.world.stranger.expect_never_called(count, gateway)


@then("no instance is given a call of one of these")
def none_is_reached(context: Context) -> None:
    context.world.lookalikes.expect_none_reached()


@then("calls of services and tags that there are not are refused as unknown, however they are spelt")
def no_such_thing(context: Context) -> None:
    context.world.lookalikes.expect_unknown()


@then("all of {count:Count} calls of each kind through each of {who:Node} are answered")
def all_are_answered(context: Context, count: int, who: Who) -> None:
    context.world.nonsense.expect_no_cost(count, who)


@then("Consul still lists it until then, and no longer after {within:Duration}")
def is_forgotten(context: Context, within: float) -> None:
    context.world.casualty.expect_forgotten(within)
