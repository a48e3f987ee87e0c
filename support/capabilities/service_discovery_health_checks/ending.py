"""Instances that are asked to end, one of them at its work; and a roll-out, which ends all of them in their turn."""

import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to

from support.capabilities.service_discovery_health_checks.client import SERVICE, Outcome, Reply
from support.containers.platform import OfTarget
from support.errors import ProbeError
from support.nouns import Who
from support.polling import poll
from support.probes.consul import PASSING
from support.promise import broken, must
from support.worlds.crowds import for_each, portions, threads
from support.worlds.watches import Watch

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World

_CALLS = 9  # of which each instance gets some
_GIVEN_WITHIN_S = 5.0
_ENDS_WITHIN_S = 10.0
_EVERY_S = 0.02


def expect_ended(node: OfTarget, within_s: float) -> None:
    """The node, which was asked to end, does so in time."""
    ended = poll(node.has_ended, within_s)
    must(ended, f"{node.name} was asked to end, and still runs after {within_s:g} s")


class Ending:
    """Instances that end: what the first of them works on, and until when their doors are open."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._worked_on = 0
        self._work: list[Future[Reply]] = []
        self._closed_at: dict[str, float] = {}  # when each first did not answer (seconds since 1970)
        self._stood_at: dict[str, str] = {}  # the address that each had until then

    def begin_work(self, who: Who, takes_s: float) -> None:
        """Calls that take `takes_s`, some of which the instance works on; a roll-out begins with as many again.

        ProbeError when it has got none, or when some did not reach any instance.
        """
        self._label, self._takes_s = self._world.fresh("work"), takes_s
        (self._worker,) = self._world.adapters(who)
        self._pool = self._world.closing.enter_context(threads(2 * _CALLS))
        self._give_work()

    def _give_work(self) -> None:
        world, label, call = self._world, self._label, self._world.gateways[0].call
        self._work += [self._pool.submit(call, SERVICE, label, takes_s=self._takes_s) for _ in range(_CALLS)]
        count = len(self._work)

        def all_given() -> bool:
            return sum(call.label == label for one in world.instances for call in one.calls()) == count

        if not poll(all_given, _GIVEN_WITHIN_S):
            raise ProbeError(f"the instances were not given {count} calls within {_GIVEN_WITHIN_S:g} s")
        self._worked_on = sum(call.label == label for call in self._worker.calls())
        if not self._worked_on:
            raise ProbeError(f"none of {count} calls went to {self._worker.name}, which was to be at its work")

    def expect_work_done(self, who: Who) -> None:
        """All that was under way was answered, by the instance itself what it had worked on."""
        (instance,) = self._world.adapters(who)
        replies = [call.result() for call in self._work]
        assert_that({reply.outcome for reply in replies}, equal_to({Outcome.ANSWERED}), "what callers heard")
        by_itself = sum(reply.by == instance.name for reply in replies)
        assert_that(by_itself, equal_to(self._worked_on), f"calls that {instance.name} was given, and answered")

    def roll_out(self, who: Who, at_once: int) -> None:
        """Ends some of the instances, starts them again, waits until Consul says that they are well; then the next."""
        nodes = self._world.fleet.nodes_called(who)
        self._world.record.looks.clear()
        self._stood_at = {node.name: node.inner_address() for node in nodes}  # they may be started at others
        if self._work:
            self._give_work()  # what was begun before may be done by now
        for some in portions(nodes, at_once):
            for_each(some, self._replace)

    def _replace(self, node: OfTarget) -> None:
        world, name = self._world, node.name
        door = Watch(lambda: self._look(node), _EVERY_S)
        world.closing.callback(door.stop)
        world.faults.terminate(name)
        closed = poll(lambda: name in self._closed_at, _ENDS_WITHIN_S)
        must(closed, f"{name} was asked to end, and still answers after {_ENDS_WITHIN_S:g} s")
        door.stop()
        expect_ended(node, _ENDS_WITHIN_S)
        world.faults.mend(name)
        world.expect_status(node, PASSING)

    def _look(self, node: OfTarget) -> None:
        # A closed port refuses at once; an answer that takes long comes from one that is open.
        if not node.answers(*node.address(), _ENDS_WITHIN_S):
            self._closed_at.setdefault(node.name, time.time())

    def expect_out_before_closed(self, who: Who) -> None:
        """Consul named none of them any more when it first did not answer. ProbeError where nobody looked in time."""
        record = self._world.record
        record.end()
        for node in self._world.fleet.nodes_called(who):
            closed, address = self._closed_at[node.name], self._stood_at[node.name]
            out = next((look for look in record.looks if look.status_of(address) is None), None)
            if out is None:
                broken(f"{node.name} has ended, and Consul named it on")
            named = [look.begun for look in record.looks if closed <= look.begun < out.begun]
            assert_that(named, empty(), f"when Consul still named {node.name}, which did not answer at {closed}")
            if out.begun > closed:
                raise ProbeError(f"nobody looked whether Consul named {node.name} just before it no longer answered")
