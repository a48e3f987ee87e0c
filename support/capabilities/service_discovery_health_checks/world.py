"""One scenario of service discovery: the gateways, the instances behind them, and what Consul says of these."""

import time
from collections.abc import Sequence
from functools import partial

from hamcrest import assert_that, equal_to

from support.capabilities.service_discovery_health_checks.beginning import Beginning
from support.capabilities.service_discovery_health_checks.bystander import Casualty, Stranger
from support.capabilities.service_discovery_health_checks.calls import Calls, alike, kinds
from support.capabilities.service_discovery_health_checks.client import SERVICE, TAGS, Adapter, Health, Way
from support.capabilities.service_discovery_health_checks.ending import Ending
from support.capabilities.service_discovery_health_checks.lookalikes import Lookalikes
from support.capabilities.service_discovery_health_checks.nonsense import Nonsense
from support.capabilities.service_discovery_health_checks.outage import Outage
from support.capabilities.service_discovery_health_checks.record import Record
from support.capabilities.service_discovery_health_checks.silence import Silence
from support.capabilities.service_discovery_health_checks.tagged import Tagged
from support.capabilities.service_discovery_health_checks.thresholds import Thresholds
from support.capabilities.service_discovery_health_checks.traffic import Traffic
from support.containers.platform import OfTarget
from support.faults.faults import Faults
from support.nouns import Who
from support.polling import poll
from support.probes.consul import CRITICAL, PASSING, WARNING, ConsulProbe, Registered
from support.promise import must
from support.worlds import world
from support.worlds.world import part

_READY_WITHIN_S = 30.0
_LISTED_WITHIN_S = 15.0
_STATUSES = {Health.WELL: PASSING, Health.WARNING: WARNING, Health.FAILING: CRITICAL}


class World(world.World[Adapter]):
    """What the steps of one scenario share."""

    record = part(Record)
    calls, traffic = part(Calls), part(Traffic)
    thresholds = part(Thresholds)
    silence, beginning, ending = part(Silence), part(Beginning), part(Ending)
    outage = part(Outage)
    tagged, lookalikes, nonsense = part(Tagged), part(Lookalikes), part(Nonsense)
    stranger, casualty = part(Stranger), part(Casualty)

    def __init__(self, stage: world.Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.consul = self.opened(ConsulProbe(self.fleet.stores["consul"]))
        self.gateways, self.instances = self.adapters(Who("gateway")), self.adapters(Who("instance"))

    def adapters(self, who: Who) -> list[Adapter]:
        """The adapters of the nodes that a sentence speaks of."""
        names = [node.name for node in self.fleet.nodes_called(who)]
        return [adapter for adapter in self.nodes if adapter.name in names]

    def running(self) -> list[Adapter]:
        """The instances, but for those that a fault holds down."""
        return [one for one in self.instances if one.name not in self.faults.held]

    # What is so

    def expect_ready(self) -> None:
        """All instances are well, Consul says so and names nobody else, and both gateways call all of them."""
        self._forget_the_dead()
        for instance in self.instances:
            instance.answer_checks(Health.WELL)
        for node in self.fleet.nodes_called(Who("instance")):
            self.expect_status(node, PASSING, _READY_WITHIN_S)
        names = {instance.name for instance in self.instances}
        for gateway in self.gateways:
            called = partial(self._called_in_turn, gateway, len(names))
            must(poll(lambda called=called: called() == names, _READY_WITHIN_S), f"{gateway.name} does not call all")  # type: ignore[misc]

    def _forget_the_dead(self) -> None:
        """Takes out whom earlier scenarios have killed: Consul takes a minute for that."""
        living = {node.inner_address() for node in self.fleet.nodes}
        for one in self.consul.registered(SERVICE):
            if one.address not in living:
                self.consul.forget(one.id)

    @staticmethod
    def _called_in_turn(gateway: Adapter, turns: int) -> set[str | None]:
        """Who answers `turns` calls by each way, and one for each tag; nobody when one of all these is not answered."""
        calls = [gateway.call(SERVICE, "ready", way=way).by for way in Way for _ in range(turns)]
        tagged = [gateway.call(SERVICE, "ready", tag, way).by for way in Way for tag in TAGS]
        return set(calls) if None not in calls + tagged else set()

    def registered(self, node: OfTarget) -> Registered | None:
        """What Consul says of the service at the address of `node`."""
        places = (node.inner_address(), node.name)
        return next((one for one in self.consul.registered(SERVICE) if one.address in places), None)

    def expect_status(self, node: OfTarget, status: str, within_s: float = _LISTED_WITHIN_S) -> float:
        """Consul says within `within_s` that `node` is `status`; returns when it was seen (seconds since 1970)."""
        as_wanted = poll(lambda: (found := self.registered(node)) and found.status == status, within_s)
        must(as_wanted, f"{node.name} is not {status} in Consul after {within_s:g} s, but {self.registered(node)}")
        return time.time()

    # What is done

    def answer_checks(self, who: Who, health: Health) -> None:
        """The instances answer their checks so from now on; returns when Consul says so, too."""
        for instance in self.adapters(who):
            instance.answer_checks(health)
        for node in self.fleet.nodes_called(who):
            self.expect_status(node, _STATUSES[health])

    @staticmethod
    def let_pass(seconds: float) -> None:
        """Waits, for who is to take notice of something."""
        world.wait_until(time.monotonic() + seconds)

    # What must hold

    def expect_shared(self, count: int, who: Who, but: Sequence[Adapter] = ()) -> None:
        """All instances, or all `but` some, share calls evenly that go through each of the gateways `who`.

        `count` calls by each way, and as many for each tag that the instances have.
        """
        names = [one.name for one in self.instances if one not in but]
        asked = kinds(self.adapters(who), tags=("", *TAGS))
        self.calls.expect(dict.fromkeys(asked, alike(names, count // len(names))))

    def expect_listed(self, count: int) -> None:
        """Consul lists so many instances, each at an address of its own."""
        listed = self.consul.registered(SERVICE)
        assert_that((len(listed), len({one.address for one in listed})), equal_to((count, count)), "in Consul's list")
