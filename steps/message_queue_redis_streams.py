"""Sentences of the message queue."""

from typing import TYPE_CHECKING, Any, Protocol

from behave import given, then, when

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import World


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"
    table: Any


@given("two producers and two workers around a queue")
def producers_and_workers(context: Context) -> None:
    context.world.expect_ready()


# What is published


@when("{customers:Count} customers each publish {each:Count} messages, each of them through both producers")
def publish(context: Context, customers: int, each: int) -> None:
    context.world.lines.publish(customers, each)


@given("{customers:Count} customers who publish all the time")
def publish_all_the_time(context: Context, customers: int) -> None:
    context.world.load.begin(customers)


@given("{count:Count} messages are waiting")
def messages_wait(context: Context, count: int) -> None:
    context.world.losses.pile_up(count)


@given("{count:Count} messages were published at once through the first producer")
def publish_once(context: Context, count: int) -> None:
    context.world.losses.publish_once(count)


@when("{count:Count} messages are published through the first producer, and again through the second")
def publish_twice(context: Context, count: int) -> None:
    context.world.losses.publish_twice(count)


@when("a message with each of these is published, and a good one of its customer after it")
def publish_mistakes(context: Context) -> None:
    context.world.mistakes.publish([row.as_dict() for row in context.table])


# What is under way


@given("messages under way at both workers, one of which has taken effect, and another behind each")
def under_way(context: Context) -> None:
    context.world.under_way.begin()


@given("a backlog of {each:Count} messages of each of {customers:Count} customers, each of which takes {time:Duration}")
def backlog(context: Context, each: int, customers: int, time: float) -> None:
    context.world.under_way.pile_up(customers, each, time)


@given("the second worker has taken over what the first one had, whose own calls end well, badly or not at all")
def second_takes_over(context: Context) -> None:
    context.world.under_way.hand_over()


@given("a message that has failed once, and takes longer than any rollout")
def long_message(context: Context) -> None:
    context.world.rollout.publish_long()


@given("a name in the consumer group for each who works on messages")
def names_of_workers(context: Context) -> None:
    context.world.losses.remember_names()


@given("{time:Duration} have passed")
def time_passes(context: Context, time: float) -> None:
    context.world.let_pass(time)


@when("both workers are replaced, one after the other")
def roll_out(context: Context) -> None:
    context.world.rollout.roll_out()


# What fails


@given("how many messages are under way at once when many wait")
def note_strength(context: Context) -> None:
    context.world.strength.note()


@then("as many are under way at once as before when many wait")
def strength_kept(context: Context) -> None:
    context.world.strength.expect_kept()


@given("{count:Count} messages that fail twice, in every way in which a call can fail")
def publish_failing_twice(context: Context, count: int) -> None:
    context.world.retries.publish_failing_twice(count)


@given("{count:Count} messages have failed once, and wait to be tried again")
def publish_failed(context: Context, count: int) -> None:
    context.world.retries.publish_failed(count)


@when("another message of each of these customers is published while they wait, and they are published again")
def publish_behind(context: Context) -> None:
    context.world.retries.publish_behind()


@when(
    "a customer publishes {before:Count} messages, one that fails and is tried again, and {after:Count} more, "
    "and all whose names look alike publish {each:Count} each"
)
def publish_around(context: Context, before: int, after: int, each: int) -> None:
    context.world.retries.publish_around(before, after, each)


@given("a message is published that always fails, and {after:Count} more of its customer and {others:Count} of others")
def publish_poison(context: Context, after: int, others: int) -> None:
    context.world.dead_letters.publish_poison(after, others)


@given("a message is published that makes no sense")
def publish_senseless(context: Context) -> None:
    context.world.dead_letters.publish_senseless()


@when("a message is published that each worker dies of")
def publish_deadly(context: Context) -> None:
    context.world.dead_letters.publish_deadly()


@given("dead letters cannot be written")
def block_dead_letters(context: Context) -> None:
    context.world.dead_letters.block()


@when("{time:Duration} after its last delivery dead letters can be written again")
def unblock_dead_letters(context: Context, time: float) -> None:
    context.world.dead_letters.unblock_after(time)


@given("{customers:Count} customers each have a dead letter")
def have_dead_letters(context: Context, customers: int) -> None:
    context.world.redrives.publish(customers)


@given("the next message of the first one's customer is under way")
def next_under_way(context: Context) -> None:
    context.world.redrives.publish_next()


@when("two people each try the first two again at once, and the provider has recovered for the first")
def redrive(context: Context) -> None:
    context.world.redrives.redrive()


@when("{what} is lost, {count:Count} of these customers publish another one, and both workers are back")
def lose_and_publish(context: Context, what: str, count: int) -> None:
    context.world.losses.lose_meanwhile(what, count)


# What must hold


@then("within {deadline:Duration} each message has taken effect once")
def done_once(context: Context, deadline: float) -> None:
    context.world.expect_done(deadline)


@then("within {deadline:Duration} each message has taken effect once, and none was doubled")
def done_and_not_doubled(context: Context, deadline: float) -> None:
    context.world.expect_done(deadline)
    context.world.losses.expect_not_doubled()


@then("within {deadline:Duration} each message has taken effect once, and each customer's in order")
def done_in_order(context: Context, deadline: float) -> None:
    context.world.finish()
    context.world.expect_done(deadline)
    context.world.expect_in_order()


@then("within {deadline:Duration} each message has taken effect once that was published since")
def later_done(context: Context, deadline: float) -> None:
    context.world.losses.expect_later_done(deadline)


@then("within {deadline:Duration} each of the others has taken effect once")
def others_done(context: Context, deadline: float) -> None:
    context.world.dead_letters.expect_others_done(deadline)


@then("when the provider answers, each has taken effect once within {deadline:Duration}, each customer's in order")
def done_when_answered(context: Context, deadline: float) -> None:
    context.world.provider.heal()
    context.world.expect_done(deadline)
    context.world.expect_in_order()


@then("when both workers are back, each has taken effect once within {deadline:Duration}, each customer's in order")
def done_when_back(context: Context, deadline: float) -> None:
    context.world.losses.expect_done_when_back(deadline)


@then("the provider was asked for each as it was published, and for none twice")
def as_published(context: Context) -> None:
    context.world.lines.expect_as_published()


@then("within {deadline:Duration} nothing is left of them in the queue")
def nothing_left(context: Context, deadline: float) -> None:
    context.world.expect_nothing_left(deadline)


@then("within {deadline:Duration} the second worker is at work on what the first one had")
def taken_over(context: Context, deadline: float) -> None:
    context.world.under_way.expect_taken_over(deadline)


@then("of its own, which it has had for {time:Duration}, it has begun none again")
def kept(context: Context, time: float) -> None:
    context.world.under_way.expect_kept(time)


@then("for {time:Duration} each worker keeps what it has, and nothing is delivered again")
def all_kept(context: Context, time: float) -> None:
    context.world.under_way.expect_all_kept(time)


@then("for {time:Duration} nothing is delivered again, and nothing is a dead letter")
def nothing_more(context: Context, time: float) -> None:
    context.world.under_way.expect_nothing_more(time)


@then("each of them has ended within {deadline:Duration}, and until then nobody else began what it had")
def workers_ended(context: Context, deadline: float) -> None:
    context.world.rollout.expect_ended(deadline)


@then("the long one, which goes on to fail, is a dead letter after 3 failures, as any other")
def long_given_up(context: Context) -> None:
    context.world.rollout.expect_given_up()


@then("nothing but the long one was interrupted, nothing was begun by two, and nothing else is a dead letter")
def not_interrupted(context: Context) -> None:
    context.world.rollout.expect_not_interrupted()


@then("within {deadline:Duration} the other customers' messages are done, and the failing one is not")
def others_first(context: Context, deadline: float) -> None:
    context.world.retries.expect_others_first(deadline)


@then(
    "each was tried again after {first:Duration} and after {second:Duration}, by up to 20 % and {late:Duration} later"
)
def tried_again(context: Context, first: float, second: float, late: float) -> None:
    context.world.retries.expect_spaced(first, second, spread=0.2, late_s=late)


@then("all of them, and those behind them, were told of as unfinished meanwhile")
def waiting_told(context: Context) -> None:
    context.world.retries.expect_told()


@then("what fails from now on is tried again, and has taken effect within {deadline:Duration}")
def still_tried_again(context: Context, deadline: float) -> None:
    context.world.retries.expect_tried_again(deadline)


@then("within {deadline:Duration} it is a dead letter, whole, after 3 deliveries")
def dead_letter(context: Context, deadline: float) -> None:
    context.world.dead_letters.expect_dead(deadline)


@then(
    "within {deadline:Duration} it is a dead letter after 3 deliveries, so is the one that makes no sense, both whole"
)
def both_dead_letters(context: Context, deadline: float) -> None:
    context.world.dead_letters.expect_dead(deadline)
    context.world.dead_letters.expect_senseless_kept(deadline)


@then("when its producer publishes it again, it is still that dead letter, holds up nobody, and is not unfinished")
def known_again(context: Context) -> None:
    context.world.dead_letters.expect_known()


@then("within {deadline:Duration} the second one is a dead letter again, whole, after 3 more deliveries")
def dead_again(context: Context, deadline: float) -> None:
    context.world.redrives.expect_dead_again(deadline)


@then("within {deadline:Duration} the first one has taken effect once, and is no dead letter any more")
def recovered(context: Context, deadline: float) -> None:
    context.world.redrives.expect_recovered(deadline)


@then("the third one is the same dead letter as before, and was not delivered again")
def other_kept(context: Context) -> None:
    context.world.redrives.expect_other_kept()


@then(
    "the nodes have written fewer than {lines:Count} lines about it, "
    "and asked Redis in vain fewer than {questions:Count} times"
)
def few_words(context: Context, lines: int, questions: int) -> None:
    context.world.losses.expect_few_words(lines, questions)


@then("both producers tell of {count:Count} unfinished messages")
def unfinished_told(context: Context, count: int) -> None:
    context.world.losses.expect_told(count)


@then("within {deadline:Duration} the consumer group has no more names than before")
def no_more_names(context: Context, deadline: float) -> None:
    context.world.losses.expect_no_more_names(deadline)


@then("within {deadline:Duration} each of them is a dead letter, byte by byte, and nothing of it was done")
def kept_as_it_was(context: Context, deadline: float) -> None:
    context.world.mistakes.expect_kept(deadline)


@then("each of them was refused so, and nothing of it is kept")
def refused(context: Context) -> None:
    context.world.mistakes.expect_refused()
