"""Sentences about faults, whatever the capability: what breaks, and what is mended."""

from typing import TYPE_CHECKING, Protocol

from behave import given, when

if TYPE_CHECKING:
    from support.faults.faults import Faults


class Context(Protocol):
    """What these steps use of behave's context."""

    faults: "Faults"


@given("the first gateway is cut from Redis")
def cut_first_node_from_redis(context: Context) -> None:
    context.faults.cut("redis", "node-1")


@given("the first gateway hears nothing from Redis, though its connections seem whole")
@given("the first storefront hears nothing from Redis, though its connections seem whole")
def silence_first_node(context: Context) -> None:
    context.faults.silence("redis", "node-1")


@given("Redis is full")
def redis_is_full(context: Context) -> None:
    context.faults.fill("redis")


@given("Redis hears the first gateway, and is not heard")
def mute_first_node(context: Context) -> None:
    context.faults.mute("redis", "node-1")


@given("the first gateway hears from Redis {delay:Duration} late")
@given("each answer of Redis to the first storefront takes {delay:Duration}")
def slow_first_node(context: Context, delay: float) -> None:
    context.faults.slow("redis", "node-1", delay)


@when("the first gateway reaches Redis again")
def join_first_node_to_redis(context: Context) -> None:
    context.faults.mend("redis:node-1")


@given("both storefronts are cut from Redis")
def cut_both_nodes_from_redis(context: Context) -> None:
    context.faults.cut("redis", "node-1")
    context.faults.cut("redis", "node-2")


@when("the storefronts reach Redis again")
def join_both_nodes_to_redis(context: Context) -> None:
    context.faults.mend("redis:node-1")
    context.faults.mend("redis:node-2")


@given("each answer of Redis to the first gateway takes up to {delay:Duration}")
def slow_answers_by_chance(context: Context, delay: float) -> None:
    context.faults.slow("redis", "node-1", delay / 2, jitter_s=delay / 2)


@given("each word of the first gateway to Redis takes up to {delay:Duration}")
@given("each word of the first storefront to Redis takes up to {delay:Duration}")
def slow_words_of_first_node(context: Context, delay: float) -> None:
    context.faults.slow("redis", "node-1", delay / 2, stream="upstream", jitter_s=delay / 2)


@when("the second storefront reaches Redis again")
def join_second_node_to_redis(context: Context) -> None:
    context.faults.mend("redis:node-2")


@given("the first storefront is killed")
def kill_first_node(context: Context) -> None:
    context.faults.kill("node-1")


@given("Redis refuses every change")
def redis_refuses_changes(context: Context) -> None:
    context.faults.refuse_writes("redis")


@when("Redis takes changes again")
def redis_takes_changes(context: Context) -> None:
    context.faults.mend("redis:writes")


@given("the whole Redis Cluster hangs")
def cluster_hangs(context: Context) -> None:
    context.faults.pause_cluster()


@given("Redis hangs")
def redis_hangs(context: Context) -> None:
    context.faults.pause("redis")


@given("Redis is down")
def redis_is_down(context: Context) -> None:
    context.faults.kill("redis")


@when("Redis restarts and has lost everything")
def redis_restarts(context: Context) -> None:
    context.faults.restart("redis")
