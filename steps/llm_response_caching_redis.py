"""Sentences of cached answers of language models."""

from typing import TYPE_CHECKING, Any, Protocol

from behave import given, step, then, when

from support.capabilities.llm_response_caching_redis.client import Outcome

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"
    table: Any


@given("two gateways in front of the provider")
def gateways_in_front(context: Context) -> None:
    context.world.expect_nodes_well()
    context.world.see_all_keeping()


@given("the provider takes {delay:Duration} for each answer")
def provider_is_slow(context: Context, delay: float) -> None:
    context.world.slow_provider(delay)


# The same question


@given("a customer has asked a question through the first gateway")
def has_asked(context: Context) -> None:
    context.world.ask_first()


@when("it is asked again, {times:Count} times through each gateway")
def ask_again(context: Context, times: int) -> None:
    context.world.ask_again(times)


@then("each answer is the first one, in every part of it")
def same_again(context: Context) -> None:
    context.world.expect_same_again()


@then("the provider was asked once")
def paid_once(context: Context) -> None:
    context.world.expect_paid(1)


@then("each took at most a fifth of the time that the first took")
def fast(context: Context) -> None:
    context.world.expect_fast(1 / 5)


@when("customers ask a question twice, and then change the model, the messages or any field that shapes the answer")
def change_shaping(context: Context) -> None:
    context.world.fields.change_shaping()


@when("customers ask a question twice, and then change only fields that say nothing of the answer, or their order")
def change_others(context: Context) -> None:
    context.world.fields.change_others()


@then("asking again cost nothing, and each change cost one call")
def changes_cost(context: Context) -> None:
    context.world.fields.expect_paid(again=0, changed=1)


@then("asking again cost nothing, and the changes cost nothing either")
def changes_cost_nothing(context: Context) -> None:
    context.world.fields.expect_paid(again=0, changed=0)


@when("customers ask {count:Count} times, {questions:Count} questions as often as people do, through both gateways")
def ask_often(context: Context, count: int, questions: int) -> None:
    """Zipf's law: the n-th question is asked as often as 1/n^1.1 says."""
    context.world.log.ask_often(count, questions, skew=1.1)


@when("customers ask {count:Count} questions that are all different, through both gateways")
def ask_once(context: Context, count: int) -> None:
    context.world.log.ask_once(count)


@then(
    "the provider's bill is at least {percent:g} % lower than without the gateways, "
    "and every answer is its question's own"
)
def saved(context: Context, percent: float) -> None:
    context.world.log.expect_saved(percent)


@then(
    "the provider's bill is at most {percent:g} % higher than without the gateways, "
    "and every answer is its question's own"
)
def no_dearer(context: Context, percent: float) -> None:
    context.world.log.expect_no_dearer(percent)


@then("the gateways tell to the token what was paid and what was saved")
def figures(context: Context) -> None:
    context.world.log.expect_figures()


# Questions that look alike


@when(
    "customers ask {times:Count} pairs of questions each that to the embedder are {cosine:g} alike, and that differ in"
)
def ask_pairs(context: Context, times: int, cosine: float) -> None:
    context.world.pairs.ask([row["what"] for row in context.table], times, cosine)


@when(
    "customers ask {times:Count} pairs of questions that differ in an article, "
    "and that to the embedder are {cosine:g} alike"
)
def ask_apart(context: Context, times: int, cosine: float) -> None:
    context.world.pairs.ask_apart(times, cosine)


@then("each of them is answered for itself, also after long rules that both share")
@then("each of them is answered for itself")
def own_each(context: Context) -> None:
    context.world.pairs.expect_own_each()


@then("so are those who say the same after another history")
def own_each_history(context: Context) -> None:
    context.world.pairs.expect_own_after_another_history()


@then("at least {percent:Count} % of the pairs are paid for once, and no answer is another question's")
def shared(context: Context, percent: int) -> None:
    context.world.pairs.expect_shared(percent)


@given("customers have asked {count:Count} questions through the first gateway, and in other words")
def ask_old(context: Context, count: int) -> None:
    context.world.embedders.ask_old(count)


@when("they ask the same through the renewed gateways, and then what only their embedder tells apart")
def ask_renewed(context: Context) -> None:
    context.world.embedders.ask_new()


@then("each answer is right, and what the new embedder tells apart is answered for itself")
def right_by_new(context: Context) -> None:
    context.world.embedders.expect_right()


# Customers


@given("a customer has asked a question that others will ask")
def neighbour_has_asked(context: Context) -> None:
    context.world.neighbours.own()


@given("two customers with the same question")
def neighbours(context: Context) -> None:
    context.world.expect_paid(0)


@when("another asks the same in other words and in the same, through both gateways, also as if it were the first")
def neighbour_asks(context: Context) -> None:
    context.world.neighbours.ask()


@when("both ask it at the same time, and the provider answers when it has been asked by both")
def both_ask(context: Context) -> None:
    context.world.neighbours.ask_at_once()


@then("each of them paid for one answer, and got no other")
@then("each of them got an answer of their own")
def own_answers(context: Context) -> None:
    context.world.neighbours.expect_own()


# Lives


@given("a customer has asked a renewed gateway, and another one asks, whom the provider answers after {slow:Duration}")
def made(context: Context, slow: float) -> None:
    context.world.lifetime.make(slow)


@when(
    "it is asked again every {pause:Duration} for {time:Duration}, "
    "in these words and in others, through both renewed gateways in turn"
)
def ask_steadily(context: Context, pause: float, time: float) -> None:
    context.world.lifetime.ask_steadily(pause, time)


@then("the first answer is given until {until:Duration} after it was made, and from {since:Duration} on a new one")
def kept_between(context: Context, until: float, since: float) -> None:
    context.world.lifetime.expect_kept_between(until, since)


@then("an answer that took so long to make is still given {until:Duration} after it was made")
def slow_kept(context: Context, until: float) -> None:
    context.world.lifetime.expect_slow_kept(until)


@then("everything in Redis ends within {within:Duration}")
def everything_ends(context: Context, within: float) -> None:
    context.world.lifetime.expect_ends(within)


@given("a customer has asked on the documents {one:w} and {other:w}, on both, on much the same names, and on none")
def ask_on(context: Context, one: str, other: str) -> None:
    context.world.forgetting.ask_on([one, other])


@given("a customer has asked the models {one:w} and {other:w}")
def ask_by(context: Context, one: str, other: str) -> None:
    context.world.forgetting.ask_by([one, other])


@when("the document {name:w} changes, told to the first gateway")
def document_changes(context: Context, name: str) -> None:
    context.world.forgetting.change_document(name)


@when("the model {name:w} changes, told to the first gateway")
def model_changes(context: Context, name: str) -> None:
    context.world.forgetting.change_model(name)


@then("exactly the questions on {one:w}, and on {both}, are asked anew through either gateway")
def two_anew(context: Context, one: str, both: str) -> None:
    context.world.forgetting.expect_anew(one, both)


@then("exactly the questions to {one:w} are asked anew through either gateway")
def one_anew(context: Context, one: str) -> None:
    context.world.forgetting.expect_anew(one)


@given("a customer has asked a question on the document {name:w}")
def has_asked_on(context: Context, name: str) -> None:
    context.world.forgetting.ask_first(name)


@given("the document {name:w} has changed, which the first gateway was told")
def document_has_changed(context: Context, name: str) -> None:
    context.world.forgetting.try_to_change(name)


@then("within {within:Duration} the gateway says that {name:w} is forgotten, and nobody is given the old answer then")
def forgotten_when_told(context: Context, within: float, name: str) -> None:
    context.world.forgetting.expect_forgotten(name, within)


@when("a customer asks on a document, which changes before the answer arrives, and others ask then or later")
def change_meanwhile(context: Context) -> None:
    context.world.forgetting.change_meanwhile("prices")


@then("from now on both gateways give one new answer")
def new_from_now(context: Context) -> None:
    context.world.forgetting.expect_new_from_now()


@when("a customer's answer is in Redis, and one key of it {how}, one key after the other")
def spoil_each(context: Context, how: str) -> None:
    context.world.kept.spoil_each(how)


@then("whoever asks the same, in these or other words, was given the right answer, paid for at the most once more each")
def right_all_the_same(context: Context) -> None:
    context.world.kept.expect_right()


# Room


@given("Redis is to drop what was used {least}")
def drop(context: Context, least: str) -> None:
    context.world.room.drop(least)


@given("{once:Count} long answers have been asked for once, and {often:Count} again and again")
def ask_long(context: Context, once: int, often: int) -> None:
    context.world.room.ask(once, often)


@given("Redis has room for no more than that")
def no_room(context: Context) -> None:
    context.world.room.fill()


@when("{count:Count} more long answers are asked for")
def ask_more(context: Context, count: int) -> None:
    context.world.room.ask_more(count)


@then("at least {least:Count} of those that were asked for again and again are still given")
def often_kept(context: Context, least: int) -> None:
    context.world.room.expect_often_kept(least)


@then("the others are given right in other words, each paid for at the most once more")
def others_right(context: Context) -> None:
    context.world.room.expect_others_right()


@then("{count:Count} that are asked for now are kept")
def new_kept(context: Context, count: int) -> None:
    context.world.room.expect_new_kept(count, has_room=False)


@then("{count:Count} that are asked for once it has room again are kept")
def new_kept_in_room(context: Context, count: int) -> None:
    context.world.room.expect_new_kept(count, has_room=True)


# Many at once


@given("the provider lets everybody wait")
def provider_holds(context: Context) -> None:
    context.world.crowd.hold()


@given("the provider lets everybody wait, and then has an error for them")
def provider_holds_and_fails(context: Context) -> None:
    context.world.crowd.hold()
    context.world.crowd.fail()


@given("{count:Count} people ask the same through the first gateway")
def ask_first_gateway(context: Context, count: int) -> None:
    context.world.crowd.ask(count, 0)


@given("somebody asks through the first gateway")
def ask_alone(context: Context) -> None:
    context.world.crowd.ask(1, 0)


@given("all of them have waited for {time:Duration}")
def have_waited(context: Context, time: float) -> None:
    context.world.crowd.let_wait(time)


@then("the first gateway's late answer, when it goes on, is given to nobody who asks then")
def late_not_given(context: Context) -> None:
    context.world.crowd.expect_late_not_given(0)


@given("{count:Count} people ask the same through the second gateway")
def ask_second_gateway(context: Context, count: int) -> None:
    context.world.crowd.ask(count, 1)


@when("the provider answers after {wait:Duration}")
def provider_answers(context: Context, wait: float) -> None:
    context.world.crowd.answer_after(wait)


@then("all of them get the answer of one call")
def one_answer(context: Context) -> None:
    context.world.crowd.expect_one_answer()


@then("all of them hear that the provider failed")
def all_hear(context: Context) -> None:
    context.world.crowd.expect_told()


@then("the provider was asked at most {most:Count} times, and never twice at the same time")
def asked_at_most(context: Context, most: int) -> None:
    context.world.crowd.expect_calls(most)


@then("the provider was asked at most once, and never twice at the same time")
def asked_once(context: Context) -> None:
    context.world.crowd.expect_calls(1)


@then("within {within:Duration} the second gateway asks, and its people get that answer")
def taken_over(context: Context, within: float) -> None:
    context.world.crowd.expect_taken_over(1, within)


# What is no answer


@when("a customer asks a question, and the provider's answer {what}")
def no_answer(context: Context, what: str) -> None:
    context.world.failures.ask(what)


@given("two people have heard {pieces:Count} pieces of an answer, and the provider lets the next one wait")
def listen(context: Context, pieces: int) -> None:
    context.world.failures.listen(pieces)


@when("the one hangs up, and then the other")
def hang_up(context: Context) -> None:
    context.world.failures.hang_up()


@then("the provider was asked until the other had hung up, and no longer")
def asked_while_heard(context: Context) -> None:
    context.world.failures.expect_asked_while_heard()


@then("whoever asks it next is answered by a new call, and that answer is kept")
def asked_anew(context: Context) -> None:
    context.world.failures.expect_asked_anew()


@when(
    "a customer asks with a temperature, high or low, with the provider's own, and not to be kept,"
    " {times:Count} times each"
)
def ask_for_new_ones(context: Context, times: int) -> None:
    context.world.failures.ask_for_new_ones(times)


@then("each of them was answered by a call of its own")
def calls_of_their_own(context: Context) -> None:
    context.world.failures.expect_calls_of_their_own()


@when("a customer asks with a temperature, and says that a kept answer will do, {times:Count} times")
def ask_for_kept_ones(context: Context, times: int) -> None:
    context.world.failures.ask_for_kept_ones(times)


@then("all of them were answered by one call")
def one_call(context: Context) -> None:
    context.world.failures.expect_one_call()


# Whole and in pieces


@given("a customer has asked one question whole, and others in pieces, with and without what it cost")
def asked_in_forms(context: Context) -> None:
    context.world.forms.ask_first()


@when("each is asked again in all of these forms, through both gateways")
def ask_in_forms(context: Context) -> None:
    context.world.forms.ask_again()


@then("the words are the same in all forms, and each piece is as it was")
def same_in_forms(context: Context) -> None:
    context.world.forms.expect_same()


@then("what it cost is told to those who ask, and to nobody else")
def cost_told(context: Context) -> None:
    context.world.forms.expect_cost_told()


@then("each was paid for once")
def each_paid_once(context: Context) -> None:
    context.world.forms.expect_paid_once()


# Without Redis


@given("{count:Count} others wait for an answer of the provider's")
def begin_asking(context: Context, count: int) -> None:
    context.world.outage.begin(count)


@given("for {time:Duration} new questions are asked")
def ask_for(context: Context, time: float) -> None:
    context.world.outage.ask_for(time)


@then("those who waited have got theirs")
def under_way_answered(context: Context) -> None:
    context.world.outage.expect_under_way_answered()


@step("{count:Count} new questions are asked")
def ask_new(context: Context, count: int) -> None:
    context.world.outage.ask(count)


@then("they took at most {longer:Duration} longer than others that are not to be kept")
def no_slower(context: Context, longer: float) -> None:
    context.world.outage.expect_no_slower(longer)


@then("within {within:Duration} a question that both gateways are asked is paid for once")
def paid_once_again(context: Context, within: float) -> None:
    context.world.outage.expect_paid_once_again(within)


# What cannot be answered


@when("a question {wrong} is asked through both gateways, whole and in pieces")
def wrong_question(context: Context, wrong: str) -> None:
    context.world.failures.ask_wrong(wrong)


@then("each time it is told as {refusal:w}, and is not paid for")
def refused(context: Context, refusal: str) -> None:
    context.world.failures.expect_refused(Outcome[refusal.upper()])
