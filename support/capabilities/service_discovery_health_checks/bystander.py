"""Instances that only some scenarios have: one with a tag, one of another service, and one that has crashed."""

import time
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from hamcrest import assert_that, equal_to

from support.capabilities.service_discovery_health_checks.client import SERVICE, Outcome
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
    service: ClassVar[str]

    def __init__(self, world: "World") -> None:
        self._world = world

    def start(self) -> Command:
        """Starts it; returns when Consul says that it is well. ProbeError when it does not in time."""
        command = self._world.fleet.command(self.name, [])
        command.start()
        self.address = command.inner_address()
        if not poll(lambda: self.address in self._passing(), _REGISTERED_WITHIN_S):
            raise ProbeError(f"{self.name} is not passing in Consul, {_REGISTERED_WITHIN_S:g} s after its start")
        return command

    def _passing(self) -> list[str]:
        return [one.address for one in self._world.consul.registered(self.service) if one.status == PASSING]


class Canary(Bystander):
    """An instance of the service with a tag that no other has."""

    name, service = "canary-1", SERVICE

    def start_for_scenario(self) -> None:
        """Starts it; it ends with the scenario."""
        self._world.opened(self.start())

    def call(self, count: int, tag: str) -> None:
        """`count` calls of instances with `tag` through the first gateway."""
        world = self._world
        world.replies += [world.gateways[0].call(SERVICE, world.label, tag=tag) for _ in range(count)]

    def expect_answered_all(self) -> None:
        """The canary has answered every call, and no other instance was given one."""
        self._world.expect_all_answered()
        assert_that({reply.by for reply in self._world.replies}, equal_to({self.name}), "who answered")
        assert_that(self._world.served().total(), equal_to(0), "calls that the others were given, by their own record")


class Stranger(Bystander):
    """An instance of another service."""

    name, service = "stranger-1", "archive"

    def take_place_of(self, who: Who) -> None:
        """Starts it at the address of an instance that is to be killed. ProbeError when it gets another."""
        (node,) = self._world.fleet.nodes_called(who)
        address = node.inner_address()
        self._world.faults.kill(node.name)
        self._world.opened(self.start())
        if self.address != address:
            raise ProbeError(f"{self.name} was to start at {address}, and got {self.address} from the engine")

    def expect_never_called(self, count: int, gateway: Who) -> None:
        """`count` calls are all answered, and all of them are in the records of the instances that live."""
        world = self._world
        world.call(count, gateway)
        heard = {(reply.outcome, reply.by == self.name) for reply in world.replies}
        assert_that(heard, equal_to({(Outcome.ANSWERED, False)}), "what callers heard, and whether from the stranger")
        assert_that(world.served().total(), equal_to(count), "calls that the others were given, by their own record")


class Casualty(Bystander):
    """An instance that is killed and stays dead, over any number of scenarios: its minute begins with the first."""

    name, service = "casualty-1", "backup"

    def crash(self) -> None:
        """Starts and kills it, unless it has been dead for as long as Consul runs."""
        fleet = self._world.fleet
        dead = fleet.commands.get(self.name)
        if not dead or self._died_at(dead) < _moment(fleet.named("consul"), "StartedAt"):
            process.kill(self.start())

    def await_minute(self) -> None:
        """Waits until a minute after its death is almost over, and looks whether Consul still names it."""
        end = self._died_at(self._world.fleet.named(self.name)) + _MINUTE_S
        worlds.wait_until(time.monotonic() + end - 1 - time.time())
        named = bool(self._world.consul.registered(self.service))
        self._named_until_then = named or time.time() > end

    def expect_forgotten(self, within_s: float) -> None:
        """Consul named it until then, and does no longer `within_s` after its death."""
        must(self._named_until_then, "it was gone before a minute had passed")
        left = self._died_at(self._world.fleet.named(self.name)) + within_s - time.time()
        gone = poll(lambda: not self._world.consul.registered(self.service), left, 0.5)
        must(gone, f"Consul still names it {within_s:g} s after its death")

    @staticmethod
    def _died_at(command: Service) -> float:
        return _moment(command, "FinishedAt")


def _moment(service: Service, name: str) -> float:
    """A moment of the container's life by the engine (seconds since 1970), which tells nanoseconds."""
    return datetime.fromisoformat(service.state()[name][:19] + "+00:00").timestamp()
