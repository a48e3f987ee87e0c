"""Sentences of background jobs."""

from typing import TYPE_CHECKING, Protocol

from behave import given, then, when
from behave.model import Table

from support.nouns import What, Who

if TYPE_CHECKING:
    from support.capabilities.background_jobs_redis_queue.world import World


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"
    table: Table | None


@given("two servers that take jobs, and two workers that do them")
def nodes_are_well(context: Context) -> None:
    context.world.expect_nodes_well()


# The service


@given("every worker is busy")
def all_busy(context: Context) -> None:
    """Each of their places has a job that the service lets wait."""
    context.world.occupy()


@given("the service lets every job wait")
def service_waits(context: Context) -> None:
    context.world.hold()


@given("the service fails three times for each of {count:Count} jobs, always for another, and refuses one")
def service_fails_for_each(context: Context, count: int) -> None:
    context.world.tries.fail_each(3, count)


@given(
    "it does not answer another in its {limit:Duration} from the third try on, and one ends its process in its fourth"
)
def service_is_silent_at_last(context: Context, limit: float) -> None:
    """It fails before: then they are tried again."""
    context.world.tries.hang(2, limit)
    context.world.tries.end_in(4)


@given("the service refuses each job from now on")
def service_refuses_each(context: Context) -> None:
    context.world.orders.refuse_each()


@given("the service fails at the second of five steps of each of {count:Count} jobs, once, and lets the fourth wait")
def service_fails_at_a_step(context: Context, count: int) -> None:
    context.world.progress.wait_at_step(failing=2, waiting=4, count=count)


@given("the service answers")
@when("the service answers")
def service_answers(context: Context) -> None:
    context.world.answer()


@given("the service answers, and within {deadline:Duration} every job is done")
def service_answers_and_all_is_done(context: Context, deadline: float) -> None:
    context.world.progress.follow(deadline)


@given("the service answers, which Redis is not told")
def service_answers_unheard(context: Context) -> None:
    context.world.deaths.answer_unheard()


@when("both workers are well again")
def workers_are_well(context: Context) -> None:
    """The dead one runs, and the one that was cut off reaches its stores."""
    context.world.faults.heal()


@given("after {time:Duration} the second worker is free for others")
def second_is_free(context: Context, time: float) -> None:
    context.world.deaths.free_second_after(time)


@given("the service answers {count:Count} jobs of the second worker")
def service_answers_some(context: Context, count: int) -> None:
    context.world.deaths.answer_some(count)


@when("the service answers after {time:Duration}")
def service_answers_later(context: Context, time: float) -> None:
    context.world.schedules.let_pass(time)
    context.world.answer()


# Jobs


@given("{count:Count} jobs that can wait are handed in")
def hand_in_low(context: Context, count: int) -> None:
    context.world.hand_in_low(count)


@given("{count:Count} jobs that can wait are handed in, half of them for {time:Duration} later")
def hand_in_low_for_later(context: Context, count: int, time: float) -> None:
    context.world.hand_in_low(count, later_s=time)


@given("{count:Count} urgent jobs are handed in")
def hand_in_urgent(context: Context, count: int) -> None:
    context.world.hand_in_urgent(count)


@given("every worker is busy with a job that has failed once, and {count:Count} others wait")
def all_busy_and_others_wait(context: Context, count: int) -> None:
    context.world.occupy(failures=1)
    context.world.deaths.wait_behind(count)


@given("a job with a key that the service refuses")
def one_with_a_key_that_is_refused(context: Context) -> None:
    context.world.keys.refuse_one()


@given("another with the same key that the service lets wait")
def another_with_the_key_that_waits(context: Context) -> None:
    context.world.keys.hold_another()


@given("{count:Count} jobs that may take {limit:Duration} each, which the service does not answer the first time")
def some_that_hang(context: Context, count: int, limit: float) -> None:
    context.world.deaths.hang(count, limit)


@when("{count:Count} urgent jobs are handed in, half of them for {time:Duration} later, and the workers are free again")
def hand_in_urgent_and_answer(context: Context, count: int, time: float) -> None:
    context.world.hand_in_urgent(count, later_s=time)
    context.world.answer_in_turn()


@when("{ordinary:Count} ordinary jobs and {low:Count} that can wait are handed in, and the workers are free again")
def hand_in_others_and_answer(context: Context, ordinary: int, low: int) -> None:
    context.world.hand_in_others(ordinary, low)
    context.world.answer_in_turn()


@given("jobs that are done, that are put aside, that wait in each way, or that are under way")
def jobs_in_each_state(context: Context) -> None:
    """Two of each that is not over; of those that are over one, which is asked for at once."""
    context.world.lives.fill()


@given("a job that was to be done every second is stopped before its first time")
def schedule_is_stopped(context: Context) -> None:
    context.world.lives.stop_schedule()


@given("a job that is to be done every second")
def one_for_every_second(context: Context) -> None:
    context.world.schedules.every(1.0)


@given(
    "a job that is to be done every {interval:Duration}, and two that are to be done in {delay:Duration}, "
    "one of them by the clock of Tokyo"
)
def one_again_and_again_and_two_for_later(context: Context, interval: float, delay: float) -> None:
    context.world.schedules.every(interval)
    context.world.schedules.hand_in_by_clock(delay, "Asia/Tokyo")


@given("every worker was busy twice, and then had nothing to do for {time:Duration}")
def all_idle(context: Context, time: float) -> None:
    context.world.places.rest(time)


@when("these jobs are handed in, and one that takes {time:Duration}")
def hand_in_these(context: Context, time: float) -> None:
    context.world.tries.hand_in(time)


@when("{count:Count} jobs are handed in, which the service lets wait")
def fill_places(context: Context, count: int) -> None:
    context.world.places.fill(count)


@when("{count:Count} jobs that end their process, and {others:Count} others come")
def hand_in_fatal(context: Context, count: int, others: int) -> None:
    context.world.deaths.hand_in_fatal(count, others)


@when("somebody hands in each of these")
def hand_in_mistakes(context: Context) -> None:
    context.world.mistakes.hand_in([row["what"] for row in context.table or ()])


@when("the first is handed back")
def hand_back(context: Context) -> None:
    context.world.keys.hand_back()


@when("{count:Count} other jobs are handed in")
def hand_in_others(context: Context, count: int) -> None:
    context.world.deaths.hand_in_others(count)


@when("a job is to be done at {time} on every day in {zone}")
def schedule_daily(context: Context, time: str, zone: str) -> None:
    context.world.schedules.schedule_daily(time, zone)


@when("{count:Count} jobs with the same key are handed in at once, through both servers")
def hand_in_same(context: Context, count: int) -> None:
    context.world.keys.hand_in_at_once(count)


@when("each is handed back, another comes with its key, a third is to come after it, and half are taken back")
def ask_all(context: Context) -> None:
    """What has become of each is asked for, too; of one that was taken back everything is asked once more."""
    context.world.lives.ask_all()


@when("servers are asked when jobs are due by lines of a calendar that are written in every way")
def ask_for_lines(context: Context) -> None:
    """Drawn anew in each run."""
    context.world.calendar_lines.ask(4)


# Orders


@given("{count:Count} orders are placed")
def place_orders(context: Context, count: int) -> None:
    """While no server has a queue."""
    context.world.orders.place(count)
    context.world.schedules.begin_outage()


@when("{time:Duration} after the last order {who:Node} reach {what:Store} again")
def end_outage(context: Context, time: float, who: Who, what: What) -> None:
    """And just after the job that comes again and again was due, twice or more since the servers were cut off."""
    context.world.schedules.see_outage(time)
    context.world.faults.on_links(who, what, context.world.faults.join)


@given("the second server takes an order, which is confirmed within {deadline:Duration}, and the job is begun")
def second_takes_an_order(context: Context, deadline: float) -> None:
    context.world.orders.confirm(1, deadline)
    context.world.schedules.expect_next()


@when("an order is placed through the first server")
def place_through_first(context: Context) -> None:
    context.world.orders.place_through(0)


@given("an order was placed and confirmed")
def place_confirmed_order(context: Context) -> None:
    context.world.orders.place_confirmed()


@given("{count:Count} orders are placed, one of whose jobs is begun all the same")
def place_unheard(context: Context, count: int) -> None:
    context.world.orders.place_unheard(count)


@given("an order through the first server is not yet committed")
def slow_order(context: Context) -> None:
    context.world.orders.begin_slowly()


@given("{count:Count} others with its reference are refused")
def repeat_order(context: Context, count: int) -> None:
    context.world.orders.repeat(count)


@when("an order through the second server is confirmed before it")
def overtake(context: Context) -> None:
    context.world.orders.overtake()


# What must hold


@then("every job is done exactly once")
def all_done(context: Context) -> None:
    context.world.expect_done()


@then("within {deadline:Duration} every job is done exactly once, and was begun once")
def all_done_within_and_begun_once(context: Context, deadline: float) -> None:
    context.world.expect_done(deadline)
    context.world.expect_begun_once()


@then("within {deadline:Duration} every job is done exactly once, and none that was answered is begun again")
def all_known_to_be_done(context: Context, deadline: float) -> None:
    context.world.expect_known_done(deadline)


@then("the last urgent job begins before more than {count:Count} of the others have begun")
@then("the last of these begins before more than {count:Count} of the urgent ones have begun")
def begun_in_order(context: Context, count: int) -> None:
    context.world.expect_order(count)


@then(
    "each of the {count:Count} is begun again after {one:Duration}, {two:Duration} and {three:Duration}, "
    "up to a quarter longer, not all at the same moment"
)
def begun_again_after(context: Context, count: int, one: float, two: float, three: float) -> None:
    context.world.tries.expect_waits(count, [one, two, three], spread=0.25)


@then(
    "the one for which it always fails is put aside after {tries:Count} tries; "
    "two hand it back, one is told no, and it is done"
)
def done_after_all(context: Context, tries: int) -> None:
    """It has all its tries again."""
    context.world.tries.expect_done_after_all(tries)


@then(
    "those not answered and ended with their process are put aside after {tries:Count} tries, "
    "and the slow one is done once"
)
def put_aside(context: Context, tries: int) -> None:
    """Also the one that is refused still is."""
    context.world.tries.expect_put_aside(tries)
    context.world.tries.expect_slow_done()
    context.world.tries.expect_still_aside()


@then("the one that is refused is put aside within {deadline:Duration}, with its error")
def put_aside_at_once(context: Context, deadline: float) -> None:
    context.world.tries.expect_refused(deadline)


@then("the {count:Count} jobs of the first worker were begun once more than the others")
def some_begun_again(context: Context, count: int) -> None:
    context.world.deaths.expect_begun_again(count)


@then("for {time:Duration} every job has exactly one effect, that of the worker that began it last")
def last_effect_counts(context: Context, time: float) -> None:
    context.world.deaths.expect_last_counts(time)


@then("within {deadline:Duration} every other job is done exactly once")
def others_done(context: Context, deadline: float) -> None:
    context.world.deaths.expect_others_done(deadline)


@then("within {deadline:Duration} they are put aside, begun exactly {count:Count} times")
def given_up(context: Context, deadline: float, count: int) -> None:
    context.world.deaths.expect_given_up(deadline, count)


@then("within {deadline:Duration} every job is done exactly once, those of the first worker first, and is known to be")
def lost_ones_first(context: Context, deadline: float) -> None:
    """Also those whose end Redis was not told, after their worker had died. Their keys are free then."""
    context.world.expect_known_done(deadline)
    context.world.deaths.expect_lost_first()


@then("{count:Count} jobs are begun at once again")
def no_place_is_lost(context: Context, count: int) -> None:
    context.world.deaths.expect_begun_at_once(count)


@then("all {count:Count} were ended, none before {limit:Duration}, each worker's first at most {late:Duration} late")
def ended_in_time(context: Context, count: int, limit: float, late: float) -> None:
    context.world.deaths.expect_ended(limit, late)


@then("it is confirmed within {deadline:Duration}, too, and the job is begun again, once each second until then")
def each_second(context: Context, deadline: float) -> None:
    context.world.expect_done(deadline)
    context.world.schedules.expect_next()
    context.world.schedules.expect_each_interval()


@then(
    "within {deadline:Duration} each order is confirmed exactly once, "
    "and within {soon:Duration} one run that was left out is made up for"
)
def outage_is_made_good(context: Context, deadline: float, soon: float) -> None:
    """Of when the first of the orders' jobs was begun: then the servers had their queue again."""
    context.world.orders.expect_confirmed(deadline)
    context.world.schedules.expect_made_up_once(soon, context.world.orders.first_begun())


@then(
    "both are begun after {delay:Duration}, at most {late:Duration} late, "
    "and every job is done exactly once, and was begun once"
)
def later_ones_in_time(context: Context, delay: float, late: float) -> None:
    context.world.schedules.expect_begun_after(delay, late)
    context.world.expect_done()
    context.world.expect_begun_once()
    context.world.schedules.expect_no_burst()


@then(
    "within {deadline:Duration} each job is begun, in the next {quiet:Duration} none a second time, "
    "and once the service answers all are done"
)
def begun_once_and_done(context: Context, deadline: float, quiet: float) -> None:
    context.world.orders.expect_begun_once(deadline, quiet)
    context.world.answer()
    context.world.expect_done()
    context.world.expect_begun_once()


@then("that is taken, and within {deadline:Duration} every job is done exactly once, and was begun once")
def slow_one_is_taken(context: Context, deadline: float) -> None:
    context.world.orders.expect_slow_taken()
    context.world.expect_done(deadline)
    context.world.expect_begun_once()


@then("another job is taken")
def another_is_taken(context: Context) -> None:
    context.world.hand_in_many(context.world.many(1))


@then("each line is due when it says, and at no other moment")
def lines_are_right(context: Context) -> None:
    context.world.calendar_lines.expect_right()


@then("within {deadline:Duration} each job has been begun, and in the next {time:Duration} none is begun a second time")
def refused_once(context: Context, deadline: float, time: float) -> None:
    context.world.orders.expect_refused_once(deadline, time)


@then("it is due once on each of the {count:Count} days around {day}, at {time} on all but that day")
def each_day(context: Context, count: int, day: str, time: str) -> None:
    context.world.schedules.expect_each_day(count, day)


@then(
    "each worker has begun {count:Count}, at most {late:Duration} later than when it was busy before, "
    "and {quiet:Duration} later no more"
)
def each_has_begun(context: Context, count: int, late: float, quiet: float) -> None:
    context.world.places.expect_each(count, late, quiet)


@then("once the service answers, every job is done exactly once, and was begun once")
def done_once_answered(context: Context) -> None:
    context.world.answer()
    context.world.expect_done()
    context.world.expect_begun_once()


@then("one is taken, and {count:Count} are told that there is one already")
def one_is_taken(context: Context, count: int) -> None:
    context.world.keys.expect_taken(1, count)


@then("once that is done, another with the same key is taken and done")
def key_is_free_once_done(context: Context) -> None:
    context.world.answer()
    context.world.expect_done()
    context.world.keys.expect_free(1.0)


@then("others are told so whatever they are, but for those whose key only looks like it")
def told_whatever(context: Context) -> None:
    context.world.keys.expect_told_whatever()
    context.world.keys.expect_alike_taken()


@then("while that is tried again, others are told so, too")
def told_while_tried_again(context: Context) -> None:
    context.world.keys.expect_told_while_tried_again()


@then("this is agreed to when the other is done, and not before")
def agreed_later(context: Context) -> None:
    context.world.keys.expect_agreed_later()


@then("while it is done after all, its key is not free")
def key_is_not_free(context: Context) -> None:
    context.world.keys.expect_not_free()


@then("everybody is told what the state of the job says")
def told_by_state(context: Context) -> None:
    context.world.lives.expect_answers()


@then(
    "one that was under way is ended within {deadline:Duration}, and what waits for one taken back is taken back, too"
)
def under_way_is_ended(context: Context, deadline: float) -> None:
    context.world.lives.expect_ended(deadline)


@then(
    "once the service answers, within {deadline:Duration} the others are done, none before its turn and its time, "
    "and nothing else"
)
def rest_is_done(context: Context, deadline: float) -> None:
    context.world.lives.expect_rest(deadline)


@then("the result of the one that is done was known for {kept:Duration}, and after {gone:Duration} no more")
def result_is_kept(context: Context, kept: float, gone: float) -> None:
    """It was looked at meanwhile."""
    context.world.lives.expect_kept(kept, gone)


@then("the progress of each only grew, up to 100")
def progress_grew(context: Context) -> None:
    context.world.progress.expect_grew()


@then("all are refused, and in the next {time:Duration} nothing of them is begun or kept")
def refused_without_trace(context: Context, time: float) -> None:
    context.world.mistakes.expect_refused(time)
