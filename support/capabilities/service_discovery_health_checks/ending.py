"""Instances that are asked to end, one of them at its work; and a roll-out, which ends all of them in their turn."""

import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, less_than

from support.capabilities.service_discovery_health_checks.client import SERVICE, Outcome, Reply
from support.errors import FaultError, ProbeError
from support.nouns import Who
from support.polling import poll
from support.probes.consul import PASSING
from support.promise import must
from support.worlds.crowds import threads
from support.worlds.watches import Watch

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World

_CALLS = 9  # of which each instance gets some
_ENDS_WITHIN_S = 10.0
_EVERY_S = 0.02


class Ending:
    """One instance that ends: what it works on, and until when its door is open."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._name = self._address = ""
        self._worked_on = 0
        self._work: list[Future[Reply]] = []
        self._closed_at: float | None = None  # when it first did not answer (seconds since 1970)

    def begin_work(self, who: Who, takes_s: float) -> None:
        """Calls that take `takes_s`, some of which the instance works on. ProbeError when it has got none."""
        world, label = self._world, self._world.fresh("work")
        (node,), (instance,) = world.fleet.nodes_called(who), world.adapters(who)
        self._name, self._address = node.name, node.inner_address()
        world.record.looks.clear()
        door = Watch(lambda: self._look(node.answers(*node.address())), _EVERY_S)
        world.closing.callback(door.stop)
        pool = world.closing.enter_context(threads(_CALLS))
        gateway = world.gateways[0]
        self._work = [pool.submit(gateway.call, SERVICE, label, takes_s=takes_s) for _ in range(_CALLS)]
        poll(lambda: sum(call.label == label for one in world.instances for call in one.calls()) == _CALLS, takes_s / 2)
        self._worked_on = sum(call.label == label for call in instance.calls())
        if not self._worked_on:
            raise ProbeError(f"none of {_CALLS} calls went to {instance.name}, which was to be at its work")

    def _look(self, answers: bool) -> None:
        if not answers and self._closed_at is None:
            self._closed_at = time.time()

    def expect_out_before_closed(self) -> None:
        """Consul named it no longer before it did not answer for the first time."""
        must(poll(lambda: self._closed_at, _ENDS_WITHIN_S), f"{self._name} still answers after {_ENDS_WITHIN_S:g} s")
        self._world.record.end()
        out = next((at for at, said in self._world.record.changes(self._address) if said is None), None)
        must(out, f"{self._name} no longer answers, and Consul names it on")
        assert_that(out, less_than(self._closed_at), "when it was out, and when it no longer answered")

    def expect_work_done(self) -> None:
        """All that was under way was answered, by the instance itself what it had worked on."""
        replies = [call.result() for call in self._work]
        assert_that({reply.outcome for reply in replies}, equal_to({Outcome.ANSWERED}), "what callers heard")
        by_itself = sum(reply.by == self._name for reply in replies)
        assert_that(by_itself, equal_to(self._worked_on), f"calls that {self._name} was given, and answered")

    def roll_out(self, who: Who) -> None:
        """Ends each of the instances, starts it again, and waits until Consul says that it is well."""
        faults = self._world.faults
        for node in self._world.fleet.nodes_called(who):
            faults.terminate(node.name)
            if not poll(lambda node=node: node.state().get("Status") == "exited", _ENDS_WITHIN_S):  # type: ignore[misc]
                raise FaultError(f"{node.name} was asked to end, and still runs after {_ENDS_WITHIN_S:g} s")
            faults.mend(node.name)
            self._world.expect_status(node, PASSING)
