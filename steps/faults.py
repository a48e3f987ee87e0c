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
def silence_first_node(context: Context) -> None:
    context.faults.silence("redis", "node-1")


@when("the first gateway reaches Redis again")
def join_first_node_to_redis(context: Context) -> None:
    context.faults.mend("redis:node-1")


@when("Redis restarts and has lost everything")
def redis_restarts(context: Context) -> None:
    context.faults.restart("redis")
