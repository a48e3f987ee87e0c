"""Sentences about faults, whatever the capability: who and what is broken, and what is mended.

Nodes and stores go by the nouns of the feature's nodes.toml. What no sentence mends is mended, and seen to be, when the
scenario ends.
"""

from functools import partial
from typing import TYPE_CHECKING, Protocol

from behave import step, when

from support.nouns import What, Who

if TYPE_CHECKING:
    from support.faults.faults import Faults


class Context(Protocol):
    """What these steps use of behave's context."""

    faults: "Faults"


# Between nodes and stores


@step("{who:Node} is cut off from {what:Store}")
@step("{who:Node} are cut off from {what:Store}")
def cut_off(context: Context, who: Who, what: What) -> None:
    """Connections break, and new ones are refused."""
    context.faults.on_links(who, what, context.faults.cut)


@step("{whose:Whose} connections to {what:Store} hang without an error")
def hang_connections(context: Context, whose: Who, what: What) -> None:
    """What is sent arrives nowhere, in both directions, and nothing is closed."""
    context.faults.on_links(whose, what, context.faults.silence)


@step("{what:Store}'s answers to {who:Node} are lost")
def lose_answers(context: Context, what: What, who: Who) -> None:
    """What is asked is done, and nobody is told."""
    context.faults.on_links(who, what, context.faults.mute)


@step("{what:Store}'s answers to {who:Node} are {delay:Duration} late")
def delay_answers(context: Context, what: What, who: Who, delay: float) -> None:
    context.faults.on_links(who, what, context.faults.slow, delay)


@step("{what:Store}'s answers to {who:Node} are up to {delay:Duration} late")
def delay_answers_by_chance(context: Context, what: What, who: Who, delay: float) -> None:
    context.faults.on_links(who, what, context.faults.slow, delay / 2, jitter_s=delay / 2)


@step("{what:Store}'s answers to {who:Node} come at {rate:Count} bytes a second")
def narrow_answers(context: Context, what: What, who: Who, rate: int) -> None:
    """On each connection, so that a long answer comes later than a short one."""
    context.faults.on_links(who, what, context.faults.narrow, rate)


@step("{whose:Whose} requests reach {what:Store} {delay:Duration} late")
def delay_requests(context: Context, whose: Who, what: What, delay: float) -> None:
    context.faults.on_links(whose, what, context.faults.slow, delay, stream="upstream")


@step("{whose:Whose} requests reach {what:Store} up to {delay:Duration} late")
def delay_requests_by_chance(context: Context, whose: Who, what: What, delay: float) -> None:
    context.faults.on_links(whose, what, context.faults.slow, delay / 2, stream="upstream", jitter_s=delay / 2)


@when("{who:Node} reaches {what:Store} again")
@when("{who:Node} reach {what:Store} again")
def reach_again(context: Context, who: Who, what: What) -> None:
    context.faults.on_links(who, what, context.faults.join)


# Nodes


@step("{who:Node} is killed")
@step("{who:Node} are killed")
def kill_nodes(context: Context, who: Who) -> None:
    """SIGKILL: nothing is said or written any more."""
    context.faults.on_nodes(who, context.faults.kill)


@step("{who:Node} freezes")
@step("{who:Node} freeze")
def freeze_nodes(context: Context, who: Who) -> None:
    """All its processes stand still; its connections stay open."""
    context.faults.on_nodes(who, context.faults.pause)


@step("{who:Node} is asked to end")
@step("{who:Node} are asked to end")
def end_nodes(context: Context, who: Who) -> None:
    """SIGTERM; nobody waits for the end."""
    context.faults.on_nodes(who, context.faults.terminate)


@when("{who:Node} restarts")
@when("{who:Node} restart")
def restart_nodes(context: Context, who: Who) -> None:
    """Killed and started again; whether it gets well is to be seen."""
    context.faults.on_nodes(who, context.faults.relaunch)


@step("{who:Node} is back")
@step("{who:Node} are back")
def mend_nodes(context: Context, who: Who) -> None:
    """Killed, ended or frozen before: it runs again, and says that it is well."""
    context.faults.on_nodes(who, context.faults.mend)


@step("{whose:Whose} clock is {offset:Duration} ahead")
def set_clock_ahead(context: Context, whose: Who, offset: float) -> None:
    context.faults.on_nodes(whose, partial(context.faults.move_clock, ahead_s=offset))


@step("{whose:Whose} clock is {offset:Duration} behind")
def set_clock_behind(context: Context, whose: Who, offset: float) -> None:
    context.faults.on_nodes(whose, partial(context.faults.move_clock, ahead_s=-offset))


# Stores


@step("{what:Store} is down")
def store_is_down(context: Context, what: What) -> None:
    context.faults.on_store(what, context.faults.kill)


@step("{what:Store} hangs")
def store_hangs(context: Context, what: What) -> None:
    """It takes connections and requests, and answers none."""
    context.faults.hang(what)


@step("{what:Store} is back")
def store_is_back(context: Context, what: What) -> None:
    context.faults.bring_back(what)


@step("{what:Store} restarts and has lost everything")
@step("{what:Store} restarts")
def store_restarts(context: Context, what: What) -> None:
    """Killed and started again; what it keeps on disk is there, and what it kept in memory is gone."""
    context.faults.on_store(what, context.faults.restart)


@step("{what:Store} is full")
def store_is_full(context: Context, what: What) -> None:
    context.faults.on_store(what, context.faults.fill)


@step("{what:Store} refuses every change")
def store_refuses_changes(context: Context, what: What) -> None:
    context.faults.on_store(what, context.faults.refuse_writes)


@when("{what:Store} takes changes again")
def store_takes_changes(context: Context, what: What) -> None:
    context.faults.on_store(what, context.faults.allow_writes)
