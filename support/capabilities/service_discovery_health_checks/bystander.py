"""Instances that only some scenarios have: one of another service, and one that begins a service, and crashes."""

import time
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from hamcrest import assert_that, equal_to

from support.capabilities.service_discovery_health_checks.calls import Kind, kinds
from support.capabilities.service_discovery_health_checks.client import SERVICE, Outcome, Reply
from support.containers.platform import Command
from support.containers.service import Service
from support.errors import ProbeError
from support.faults import process
from support.nouns import Who
from support.polling import poll
from support.probes.consul import PASSING
from support.promise import must
from support.worlds import world as worlds

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World

_REGISTERED_WITHIN_S = 30.0
_MINUTE_S = 60.0


class Bystander:
    """An instance beside those of the fleet."""

    name: ClassVar[str]

    def __init__(self, world: "World") -> None:
        self._world = world

    def start(self, service: str) -> Command:
        """Starts it as one of `service`; returns when Consul says that it is well. ProbeError when not in time."""
        command = self._world.fleet.command(self.name, [], {"DISCOVERY_SERVICE": service})
        command.start()
        self.address = command.inner_address()
        if not poll(lambda: self.address in self._passing(service), _REGISTERED_WITHIN_S):
            raise ProbeError(f"{self.name} is not passing in Consul, {_REGISTERED_WITHIN_S:g} s after its start")
        return command

    def _passing(self, service: str) -> list[str]:
        return [one.address for one in self._world.consul.registered(service) if one.status == PASSING]


class Stranger(Bystander):
    """An instance of another service, whose name begins and ends like that of the instances."""

    name = "stranger-1"

    def take_place_of(self, who: Who) -> None:
        """Starts it at the address of an instance that is to be killed. ProbeError when it gets another."""
        (node,) = self._world.fleet.nodes_called(who)
        address = node.inner_address()
        self._world.faults.kill(node.name)
        self._world.opened(self.start(f"{SERVICE}-of-{SERVICE}"))
        if self.address != address:
            raise ProbeError(f"{self.name} was to start at {address}, and got {self.address} from the engine")

    def expect_never_called(self, count: int, gateway: Who) -> None:
        """`count` calls are all answered, and all of them are in the records of the instances that live."""
        world, label = self._world, self._world.fresh("call")
        (adapter,) = world.adapters(gateway)
        replies = [adapter.call(SERVICE, label) for _ in range(count)]
        heard = {(reply.outcome, reply.by == self.name) for reply in replies}
        assert_that(heard, equal_to({(Outcome.ANSWERED, False)}), "what callers heard, and whether from the stranger")
        served = sum(call.label == label for one in world.running() for call in one.calls())
        assert_that(served, equal_to(count), "calls that the others were given, by their own record")


class Casualty(Bystander):
    """The first instance of a service. Once it was killed it stays dead, over any number of scenarios."""

    name = "casualty-1"

    # It lives

    def call_too_early(self) -> None:
        """Its service is called before there is one."""
        self._service = self._world.fresh("backup")
        asked = kinds(self._world.gateways, services=[self._service])
        self._world.calls.expect_refused(asked, Outcome.UNKNOWN)

    def start_service(self) -> None:
        """It starts; returns when Consul says that it is well."""
        self.start(self._service)

    def expect_found(self, who: Who, within_s: float) -> None:
        """Within `within_s` from now each of the gateways `who` finds it by each way."""
        for kind in kinds(self._world.adapters(who), services=[self._service]):
            found = poll(partial(self._is_answered, kind), within_s)
            must(found, f"{kind} is not answered by {self.name}, which has been listed for {within_s:g} s")

    def _is_answered(self, kind: Kind) -> bool:
        reply = kind.gateway.call(kind.service, "found", way=kind.way)
        return reply == Reply(Outcome.ANSWERED, self.name)

    # It dies

    def crash(self) -> None:
        """It is killed, unless it has been dead for as long as Consul runs."""
        fleet = self._world.fleet
        there = fleet.commands.get(self.name)
        if there and there.state().get("Running"):
            process.kill(there)
        elif not there or self._died_at(there) < _moment(fleet.named("consul"), "StartedAt"):
            process.kill(self.start(self._world.fresh("backup")))

    def await_minute(self) -> None:
        """Waits until a minute after its death is almost over, and looks whether Consul still names it."""
        dead = self._world.fleet.commands[self.name]
        self._service, end = dead.own_settings["DISCOVERY_SERVICE"], self._died_at(dead) + _MINUTE_S
        worlds.wait_until(time.monotonic() + end - 1 - time.time())
        named = bool(self._world.consul.registered(self._service))
        self._named_until_then = named or time.time() > end

    def expect_forgotten(self, within_s: float) -> None:
        """Consul named it until then, and does no longer `within_s` after its death."""
        must(self._named_until_then, "it was gone before a minute had passed")
        left = self._died_at(self._world.fleet.named(self.name)) + within_s - time.time()
        gone = poll(lambda: not self._world.consul.registered(self._service), left, 0.5)
        must(gone, f"Consul still names it {within_s:g} s after its death")

    @staticmethod
    def _died_at(command: Service) -> float:
        return _moment(command, "FinishedAt")


def _moment(service: Service, name: str) -> float:
    """A moment of the container's life by the engine (seconds since 1970), which tells nanoseconds."""
    return datetime.fromisoformat(service.state()[name][:19] + "+00:00").timestamp()
