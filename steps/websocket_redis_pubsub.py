"""Sentences of live updates."""

from typing import TYPE_CHECKING, Protocol

from behave import given, then, when

from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.websocket_redis_pubsub.world import World


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"


# The workspace, its subscribers and its updates


@given("a new workspace on two gateways")
def new_workspace(context: Context) -> None:
    context.world.expect_nodes_well()


@given("{count:Count} subscribers to the workspace and to a second channel on each gateway")
def subscribers_to_two_channels(context: Context, count: int) -> None:
    world = context.world
    world.join(count, world.gateways[0], world.channel, world.aside)
    world.join(count, world.gateways[1], world.channel, world.aside)


@given("{count:Count} subscribers to the workspace on each gateway")
def subscribers_on_each_gateway(context: Context, count: int) -> None:
    for gateway in context.world.gateways:
        context.world.join(count, gateway)


@given("{count:Count} subscribers to the workspace on the first gateway")
def subscribers_on_first_gateway(context: Context, count: int) -> None:
    context.world.join(count, context.world.gateways[0])


@given("{count:Count} subscribers to the workspace on each gateway, who have received {updates:Count} updates")
def subscribers_who_have_received(context: Context, count: int, updates: int) -> None:
    subscribers_on_each_gateway(context, count)
    context.world.publish(updates)
    context.world.expect(context.world.subscribers, context.world.published, within_s=10)


@given("{updates:Count} updates are published through the second gateway")
def publish_through_second(context: Context, updates: int) -> None:
    context.world.publish(updates, through=[context.world.gateways[1]])


@when(
    "{publishers:Count} publishers each publish {count:Count} updates at the same time, through both gateways in turn"
)
def publish_at_the_same_time(context: Context, publishers: int, count: int) -> None:
    context.world.publish_at_once(publishers, count, context.world.pace())


@when("one of them publishes {count:Count} updates over their own connection")
def author_publishes(context: Context, count: int) -> None:
    context.world.publish_as(context.world.subscribers[0], count)


@then(
    "within {deadline:Duration} every subscriber has received the {count:Count} updates, once each, in the same order"
)
def every_subscriber_has_received(context: Context, deadline: float, count: int) -> None:
    must(len(context.world.published) == count, f"{len(context.world.published)} updates were acknowledged")
    context.world.expect(context.world.subscribers, context.world.published, deadline)


@given("{count:Count} subscribers on the first gateway, each watching a channel of their own")
def watchers_on_first_gateway(context: Context, count: int) -> None:
    context.world.moments.open(count, context.world.gateways[0])


@given("{count:Count} subscribers on the second gateway, each watching a channel of their own")
def watchers_on_second_gateway(context: Context, count: int) -> None:
    context.world.moments.open(count, context.world.gateways[1])


@given("on the first gateway one more subscriber to every third of these channels")
def company_on_first_gateway(context: Context) -> None:
    context.world.moments.bring_company(context.world.gateways[0])


@when("all of them reconnect to the first gateway, their company asks once more, and meanwhile updates are published")
def all_reconnect(context: Context) -> None:
    context.world.moments.reconnect_to(context.world.gateways[0])


@when(
    "Redis drops the gateways' subscriptions {times:Count} times, and each time one update is published to each channel"
)
def redis_drops_subscriptions(context: Context, times: int) -> None:
    context.world.moments.drop_subscriptions(times)


@then("within {deadline:Duration} everyone has received the updates of their channels, once each and in order")
def everyone_received_own(context: Context, deadline: float) -> None:
    context.world.moments.expect_all(deadline)


@then("for {window:Duration} nothing more arrives")
def nothing_more_arrives(context: Context, window: float) -> None:
    context.world.expect_silence(window)


@then("the next update reaches every subscriber once")
@then("the next update reaches the subscriber once")
@then("the next update reaches the one who stayed, once")
def next_update_reaches_who_is_there(context: Context) -> None:
    context.world.expect_next_update(context.world.present())


@then("an update to the second channel reaches those who only unsubscribed from the workspace, once")
def update_aside(context: Context) -> None:
    context.world.expect_update_aside()


@then("nobody has had to reconnect")
def nobody_reconnected(context: Context) -> None:
    context.world.expect_first_connections()


@then("for {window:Duration} Redis counts {count:Count} subscription to the workspace all the time")
def redis_counts_steadily(context: Context, window: float, count: int) -> None:
    context.world.expect_subscriptions_to_stay(context.world.channel, count, window)


@then("within {deadline:Duration} Redis counts {count:Count} subscription to the workspace")
def redis_counts_subscriptions(context: Context, deadline: float, count: int) -> None:
    context.world.expect_subscriptions(context.world.channel, count, deadline)


@then("for {window:Duration} it counts none, even when the gateways have to resubscribe")
def redis_counts_none_anew(context: Context, window: float) -> None:
    context.world.redis.drop_subscribers()
    context.world.expect_subscriptions_to_stay(context.world.channel, 0, window)


@then("nobody is present in the workspace")
def nobody_is_present(context: Context) -> None:
    context.world.expect_present(context.world.channel, {}, within_s=0)


# Private channels


@given("{count:Count} users, each watching a private channel on both gateways, with names that look alike")
def users_with_private_channels(context: Context, count: int) -> None:
    context.world.private.open(count)


@when(
    "each of them tries to watch the others' channels, anew or from a position, to write there, and to see who is there"
)
def everybody_intrudes(context: Context) -> None:
    context.world.private.intrude()


@then("all of that is refused")
def intrusions_are_refused(context: Context) -> None:
    context.world.private.expect_refused()


@then("within {deadline:Duration} nobody but its owner is present in any of these channels")
def only_owners_are_present(context: Context, deadline: float) -> None:
    context.world.private.expect_seen_by_owner_only(deadline)


@then("an update to each of them reaches its owner alone")
def updates_reach_owners_alone(context: Context) -> None:
    context.world.private.send_to_each()
    context.world.private.expect_own_only(within_s=5)
    context.world.expect_silence(1)


# Reconnecting, and gaps


@given("a subscriber on the first gateway who has received {count:Count} updates")
def subscriber_who_has_received(context: Context, count: int) -> None:
    context.world.join(1, context.world.gateways[0])
    context.world.publish(count)
    context.world.expect(context.world.subscribers, context.world.published, within_s=5)


@given("who has lost the connection, and missed {count:Count} updates")
def subscriber_who_missed(context: Context, count: int) -> None:
    context.world.absence.begin(missed=count)


@given("who has lost the connection, and missed {count:Count} updates of {size:Size} each")
def subscriber_who_missed_large_ones(context: Context, count: int, size: int) -> None:
    context.world.absence.begin(missed=count, padding=size)


@given("meanwhile {count:Count} more updates have pushed one of these out of history")
def history_moved_on(context: Context, count: int) -> None:
    context.world.publish(count)


@when("Redis loses everything {times:Count} times, and {count:Count} updates follow each time")
def redis_loses_everything(context: Context, times: int, count: int) -> None:
    context.world.deaf.lose_everything(count, times)


@given("meanwhile Redis has lost everything, and {count:Count} updates followed")
def redis_lost_everything(context: Context, count: int) -> None:
    context.world.redis.lose_everything()
    context.world.publish(count)


@when("the subscriber reconnects to the second gateway")
def subscriber_reconnects(context: Context) -> None:
    context.world.absence.end()


@when("the subscriber reconnects to the second gateway {pause:Duration} later")
def subscriber_reconnects_later(context: Context, pause: float) -> None:
    context.world.absence.end(after_s=pause)


@when("the subscriber reconnects to the second gateway, and up to {most:Count} updates are published meanwhile")
def subscriber_reconnects_in_a_flow(context: Context, most: int) -> None:
    context.world.absence.end_while_published(most)


@when("the subscriber changes gateways {changes:Count} times while {count:Count} updates are published")
def subscriber_changes_gateways(context: Context, changes: int, count: int) -> None:
    context.world.absence.change_gateways_in_midstream(changes, count)


@then("the subscriber is told that nothing is lost, and is given the {count:Count} missed updates in order")
def told_that_nothing_is_lost(context: Context, count: int) -> None:
    context.world.absence.expect_replay(count)


@then("the subscriber is told that nothing is lost")
def told_that_it_is_recovered(context: Context) -> None:
    context.world.absence.expect_recovered()


@then("within {deadline:Duration} the subscriber has received all updates, once each and in order")
def subscriber_has_received_all(context: Context, deadline: float) -> None:
    context.world.expect(context.world.subscribers, context.world.published, deadline)


@then("the subscriber is told that updates are lost, and is given none of them")
def told_that_updates_are_lost(context: Context) -> None:
    context.world.absence.expect_told_of_loss()


@given("Redis has dropped the gateways' subscriptions, and the first gateway's connection hangs without an error")
def subscriptions_died(context: Context) -> None:
    context.world.deaf.lose_subscriptions()


@when("one subscriber of the second gateway moves to the first, and {count:Count} more updates are published")
def one_moves_to_first(context: Context, count: int) -> None:
    context.world.deaf.move_there()
    publish_through_second(context, count)


@when("a subscriber of the first gateway publishes an update, and its connections to Redis break before the answer")
def acknowledgement_is_lost(context: Context) -> None:
    context.world.deaf.lose_an_answer()


@then("the author is told that the update may be lost")
def author_is_told(context: Context) -> None:
    context.world.deaf.expect_author_told()


@then(
    "within {deadline:Duration} those on the first gateway are told once that updates may be lost, "
    "and given none of the {missed:Count}"
)
def first_gateway_tells_of_gap(context: Context, deadline: float, missed: int) -> None:
    context.world.deaf.expect_gap_at_first_gateway(missed, deadline)


@then("within {deadline:Duration} those on the second gateway have received all of them")
def second_gateway_missed_nothing(context: Context, deadline: float) -> None:
    context.world.deaf.expect_nothing_missed_at_second_gateway(deadline)


@when("an update is published through the first gateway, and one over the connection of a subscriber there")
def publish_through_first(context: Context) -> None:
    context.world.deaf.publish()


@then("within {deadline:Duration} both publishers are told that it was not taken")
def publishers_are_told(context: Context, deadline: float) -> None:
    context.world.deaf.expect_told(deadline)


@when("{count:Count} publish through the first gateway at once, while others there try all else that one can")
def try_everything(context: Context, count: int) -> None:
    context.world.outage.try_everything(count)


@then(
    "within {deadline:Duration} each of them is told that it cannot be done now, "
    "and the first gateway reports that it is not well"
)
def everybody_is_told(context: Context, deadline: float) -> None:
    context.world.outage.expect_refused(deadline)
    context.world.deaf.expect_unwell(deadline)


@then("once the first gateway reaches Redis again, what was refused can be done")
def outage_is_over(context: Context) -> None:
    context.world.faults.join("redis", "gateway-1")
    context.world.deaf.await_end(within_s=5)
    context.world.outage.try_again()


@then("within {deadline:Duration} every subscriber has received all updates, and nothing of what was refused is left")
def nothing_is_left(context: Context, deadline: float) -> None:
    context.world.outage.expect_nothing_left(deadline)


@then("once Redis has room again, the next update reaches every subscriber once")
def next_update_when_there_is_room(context: Context) -> None:
    context.world.faults.mend("redis:full")
    context.world.expect_next_update(context.world.present())


@then("within {deadline:Duration} every subscriber is told once that updates may be lost")
def every_subscriber_is_told(context: Context, deadline: float) -> None:
    context.world.expect_told_of_gap(context.world.subscribers, deadline)


@then(
    "within {deadline:Duration} every subscriber is told once each time how many are lost, "
    "and has received the others in order"
)
def every_subscriber_is_told_and_given(context: Context, deadline: float) -> None:
    context.world.deaf.expect_what_follows_the_gaps(deadline)


# Stalled readers


@given("{count:Count} more there who also watch a second channel and have stopped reading, one of them for good")
def readers_who_stalled(context: Context, count: int) -> None:
    context.world.stalled.begin(count)


@when("{size:Size} of updates are published to both channels")
def publish_a_flow(context: Context, size: int) -> None:
    context.world.stalled.flow_by(size)


@then("none of the {count:Count} is present in the second channel any more after {size:Size}")
def stalled_are_let_go(context: Context, count: int, size: int) -> None:
    context.world.stalled.expect_let_go(size)


@then(
    "within {deadline:Duration} those who read again find their connection closed as too slow, "
    "and the other one is dropped"
)
def stalled_find_themselves_closed(context: Context, deadline: float) -> None:
    context.world.stalled.expect_cut_off(deadline)


@then(
    "every other subscriber has received all updates, "
    "99 in 100 of them within {most:Duration} or {times:Count} times the usual time"
)
def others_are_unharmed(context: Context, most: float, times: int) -> None:
    context.world.stalled.expect_others_unharmed(most, times)


@then("the first gateway has at no time held {size:Size} more memory than before")
def memory_is_bounded(context: Context, size: int) -> None:
    context.world.stalled.expect_memory_within(size)


# Leaving


@when("all but one of the first gateway leave: by unsubscribing, by closing or by losing the connection")
def all_but_one_leave(context: Context) -> None:
    context.world.everybody_leaves(context.world.subscribers[1:])


@when("the gateways have to resubscribe, and all of them leave meanwhile: by unsubscribing, by closing or by losing it")
def all_leave(context: Context) -> None:
    context.world.everybody_leaves_while_resubscribing()


@when("the subscriber leaves and comes back {times:Count} times")
def leave_and_come_back(context: Context, times: int) -> None:
    context.world.absence.leave_and_come_back(times)


@then("the subscriber is present there once")
def subscriber_is_present_once(context: Context) -> None:
    context.world.expect_presence(within_s=1)


@given("{count:Count} sessions connected to the first gateway, each for a channel of its own")
def sessions_for_channels(context: Context, count: int) -> None:
    context.world.moments.connect(count, context.world.gateways[0])


@when("each of them asks to watch its channel, and is logged out at some moment of the next {window:Duration}")
def log_out_while_subscribing(context: Context, window: float) -> None:
    context.world.moments.log_out_while_subscribing(window)


@then("within {deadline:Duration} all of them are closed as no longer allowed")
def all_are_closed(context: Context, deadline: float) -> None:
    context.world.sessions.expect_closed(context.world.subscribers, deadline)


@then("within {deadline:Duration} nobody is present in any of these channels")
def nobody_is_present_there(context: Context, deadline: float) -> None:
    context.world.moments.expect_nobody_present(deadline)


@then("within {deadline:Duration} Redis counts no subscription to any of these channels")
def redis_counts_none_of_these(context: Context, deadline: float) -> None:
    context.world.moments.expect_no_subscription(deadline)


@given("two gateways at rest after their first {count:Count} connections")
def gateways_at_rest(context: Context, count: int) -> None:
    context.world.passers_by.warm_up(count)


@when("{count:Count} subscribers connect, {at_once:Count} at a time, and lose their connections without a word")
def a_crowd_comes_and_is_lost(context: Context, count: int, at_once: int) -> None:
    context.world.passers_by.come_and_be_lost(count, at_once)


@then(
    "within {deadline:Duration} each gateway has as many open files and tasks as before, give or take {tolerance:Count}"
)
def gateways_hold_what_they_held(context: Context, deadline: float, tolerance: int) -> None:
    context.world.passers_by.expect_nothing_left(deadline, tolerance)


# Frozen and quiet subscribers


@given("ada and bob at the second gateway, and cleo at the first, each watching the workspace and silent from now on")
def quiet_subscribers(context: Context) -> None:
    context.world.quiet.expect_all_present()


@when("ada's device freezes")
def device_freezes(context: Context) -> None:
    context.world.quiet.freeze_ada()


@then("within {deadline:Duration} ada and cleo are no longer present in the workspace, and bob is")
def only_bob_is_there(context: Context, deadline: float) -> None:
    context.world.quiet.expect_only_bob_present(deadline)


@then("within {deadline:Duration} Redis counts no subscription to a channel that ada alone watched")
def adas_channel_is_left(context: Context, deadline: float) -> None:
    context.world.expect_subscriptions(context.world.quiet.channel_of_ada, 0, deadline)


@then("bob is present also when he has been silent for {silence:Duration}, while others come and go")
def bob_is_still_there(context: Context, silence: float) -> None:
    context.world.quiet.expect_bob_after(silence)


@then(
    "within {deadline:Duration} after an outage of {outage:Duration} cleo is present again, "
    "and the next update reaches her and bob once"
)
def cleo_is_back(context: Context, deadline: float, outage: float) -> None:
    context.world.quiet.reach_again(outage)
    context.world.quiet.expect_next_update(deadline)


# Sessions


@when("a user connects with {token}")
def user_connects(context: Context, token: str) -> None:
    context.world.sessions.connect(token)


@then("both gateways refuse it, because {reason}")
def both_refuse(context: Context, reason: str) -> None:
    context.world.sessions.expect_refused(reason)


@then("both gateways accept it")
def both_accept(context: Context) -> None:
    context.world.sessions.expect_let_in()


@when("somebody writes to the workspace and asks who is there, with no session and with those that are not valid")
def somebody_writes(context: Context) -> None:
    context.world.sessions.write_and_look()


@given("ada has two pages open at each gateway on her laptop, and two on her phone, and has closed a third")
def two_devices(context: Context) -> None:
    context.world.sessions.open_devices("ada")


@given("ada, bob and cleo have two pages open at each gateway on a laptop, and two on a phone, and have closed a third")
def two_devices_of_three(context: Context) -> None:
    context.world.sessions.open_devices("ada", "bob", "cleo")


@when("ada logs out on her laptop")
def log_out(context: Context) -> None:
    context.world.sessions.log_out_on("laptop", context.world.gateways[0])


@given("all three have logged out on their laptops at the second gateway")
def log_out_at_second(context: Context) -> None:
    context.world.sessions.log_out_on("laptop", context.world.gateways[1])


@then("within {deadline:Duration} every page of a laptop is closed as no longer allowed")
@then("within {deadline:Duration} every page of the laptop is closed as no longer allowed")
def laptop_is_closed(context: Context, deadline: float) -> None:
    context.world.sessions.expect_pages_closed("laptop", deadline)


@then("the laptop's session can no longer connect, write or see who is there")
def laptop_is_good_for_nothing(context: Context) -> None:
    context.world.sessions.expect_good_for_nothing("laptop")


@then("the next update reaches every page of a phone once, and nobody else is present")
@then("the next update reaches every page of the phone once, and nobody else is present")
def update_reaches_phone(context: Context) -> None:
    context.world.sessions.expect_next_update_at("phone")


@given(
    "ada has two pages open at each gateway with a session that expires in {lifetime:Duration}, and has closed a third"
)
def pages_with_short_session(context: Context, lifetime: float) -> None:
    context.world.sessions.open("ada", "laptop", lifetime)


@when("ada logs out of another session that would expire at the same time")
def log_out_of_another(context: Context) -> None:
    context.world.sessions.log_out_another()


@then(
    "until {margin:Duration} before that every page is open, and both gateways refuse the session that was logged out"
)
def as_told_until_the_end(context: Context, margin: float) -> None:
    context.world.sessions.expect_as_told_until(margin)


@then("within {deadline:Duration} after it every page is closed as no longer allowed, and nobody is present any more")
def closed_after_end(context: Context, deadline: float) -> None:
    context.world.sessions.expect_closed_at_end(deadline)


@then("the session that has expired can no longer connect, write or see who is there")
def expired_is_good_for_nothing(context: Context) -> None:
    context.world.sessions.expect_good_for_nothing("laptop")


# A gateway that ends


@given("{count:Count} subscribers to the workspace on each gateway, who move when a gateway says that it ends")
def subscribers_who_move(context: Context, count: int) -> None:
    context.world.handover.prepare(count)


@when("the first gateway is asked to end while {count:Count} updates are published")
def gateway_ends_in_midstream(context: Context, count: int) -> None:
    context.world.handover.end_first_gateway(count)


@then("within {deadline:Duration} every subscriber has received every update that was acknowledged, once and in order")
def every_acknowledged_update_arrived(context: Context, deadline: float) -> None:
    context.world.handover.expect_everything(deadline)


@then("every subscriber of the first gateway was told that it ends, before it was gone")
def subscribers_were_told(context: Context) -> None:
    context.world.handover.expect_told()


@then("within {deadline:Duration} the first gateway has ended by itself, and well")
def gateway_ended_well(context: Context, deadline: float) -> None:
    context.world.handover.expect_ended(deadline)


@then("within {deadline:Duration} everyone is present in the workspace once")
def everyone_is_present_once(context: Context, deadline: float) -> None:
    context.world.expect_presence(deadline)


@then("it serves again when it is put back into service")
def gateway_serves_again(context: Context) -> None:
    context.world.handover.put_back()


# Speed


@given("{workspaces:Count} workspaces with {count:Count} subscribers each, on both gateways")
def many_workspaces(context: Context, workspaces: int, count: int) -> None:
    context.world.flow.open(workspaces, count)


@when("{count:Count} updates are published to these workspaces, {rate:Count} each second")
def publish_steadily(context: Context, count: int, rate: int) -> None:
    context.world.flow.run(count, rate)


@then("half of the deliveries take at most {times:Count} times as long as those of Redis alone at the same time")
def median_ratio(context: Context, times: int) -> None:
    context.world.flow.expect_ratio(50, times)


@then("80 in 100 of them take at most {times:Count} times as long as 80 in 100 of Redis's")
def tail_ratio(context: Context, times: int) -> None:
    context.world.flow.expect_ratio(80, times)
