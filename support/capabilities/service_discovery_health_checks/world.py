"""One scenario of service discovery: the gateways, the instances behind them, and what Consul says of these."""

import time
from collections import Counter
from functools import partial

from hamcrest import assert_that, equal_to

from support.capabilities.service_discovery_health_checks.beginning import Beginning
from support.capabilities.service_discovery_health_checks.bystander import Canary, Casualty, Stranger
from support.capabilities.service_discovery_health_checks.client import SERVICE, Adapter, Health, Outcome, Reply, Way
from support.capabilities.service_discovery_health_checks.ending import Ending
from support.capabilities.service_discovery_health_checks.outage import Outage
from support.capabilities.service_discovery_health_checks.record import Record
from support.capabilities.service_discovery_health_checks.silence import Silence
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
    """What the steps of one scenario share. Calls of a scenario go by its `label` in the instances' records."""

    record = part(Record)
    traffic = part(Traffic)
    thresholds = part(Thresholds)
    silence, beginning, ending = part(Silence), part(Beginning), part(Ending)
    outage = part(Outage)
    canary, stranger, casualty = part(Canary), part(Stranger), part(Casualty)

    def __init__(self, stage: world.Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.consul = self.opened(ConsulProbe(self.fleet.stores["consul"]))
        self.label = self.fresh("call")
        self.gateways, self.instances = self.adapters(Who("gateway")), self.adapters(Who("instance"))
        self.replies: list[Reply] = []

    def adapters(self, who: Who) -> list[Adapter]:
        """The adapters of the nodes that a sentence speaks of."""
        names = [node.name for node in self.fleet.nodes_called(who)]
        return [adapter for adapter in self.nodes if adapter.name in names]

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
            called = partial(self._called_in_turn, gateway)
            must(poll(lambda called=called: called() == names, _READY_WITHIN_S), f"{gateway.name} does not call all")  # type: ignore[misc]

    def _forget_the_dead(self) -> None:
        """Takes out whom earlier scenarios have killed: Consul takes a minute for that."""
        living = {node.inner_address() for node in self.fleet.nodes}
        for one in self.consul.registered(SERVICE):
            if one.address not in living:
                self.consul.forget(one.id)

    def _called_in_turn(self, gateway: Adapter) -> set[str | None]:
        calls = [gateway.call(SERVICE, "ready", way=way).by for way in Way for _ in self.instances]
        return set(calls) if calls.count(None) == 0 else set()

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

    def call(self, count: int, who: Who, way: Way = Way.WATCH) -> None:
        """`count` calls through each of the gateways `who`, one after the other."""
        for gateway in self.adapters(who):
            self.replies += [gateway.call(SERVICE, self.label, way=way) for _ in range(count)]

    def call_nobody(self, nobody: str, who: Who) -> None:
        """Calls what sentences call `nobody` through each of the gateways `who`."""
        names = {
            "a service that nobody has registered": (self.fresh("nobody"), ""),
            "a tag that no instance has": (SERVICE, self.fresh("nobody")),
        }
        service, tag = names[nobody]
        self.replies += [one.call(service, self.label, tag, way) for one in self.adapters(who) for way in Way]

    # What must hold

    def served(self) -> Counter[str]:
        """How many calls of this scenario each instance that runs was given, by its own record."""
        running = [one for one in self.instances if one.name not in self.faults.held]
        return Counter({one.name: sum(call.label == self.label for call in one.calls()) for one in running})

    def expect_all_answered(self) -> None:
        """Every call of the scenario was answered by an instance."""
        assert_that(Counter(reply.outcome for reply in self.replies), equal_to({Outcome.ANSWERED: len(self.replies)}))

    def expect_served(self, who: Who, count: int) -> None:
        """Each of the instances `who` was given `count` calls, by its own record and by what callers heard."""
        self.expect_all_answered()
        heard, served = Counter(reply.by for reply in self.replies), self.served()
        for instance in self.adapters(who):
            found = (served[instance.name], heard[instance.name])
            assert_that(found, equal_to((count, count)), f"calls that {instance.name} was given, and that it answered")

    def expect_spread(self, count: int, who: Who) -> None:
        """`count` calls through each of the gateways `who` are answered, by each instance as many."""
        before = self.served()
        self.call(count, who)
        self.expect_all_answered()
        share = count * len(self.adapters(who)) // len(self.instances)
        wanted = {instance.name: share for instance in self.instances}
        assert_that(dict(self.served() - before), equal_to(wanted), "calls that each was given, by its own record")

    def expect_listed(self, count: int) -> None:
        """Consul lists so many instances, each at an address of its own."""
        listed = self.consul.registered(SERVICE)
        assert_that((len(listed), len({one.address for one in listed})), equal_to((count, count)), "in Consul's list")

    def expect_unknown(self) -> None:
        """Every caller heard that there is no such thing, and no instance was given a call."""
        assert_that({reply.outcome for reply in self.replies}, equal_to({Outcome.UNKNOWN}), "what callers heard")
        assert_that(self.served().total(), equal_to(0), "calls that instances were given, by their own record")
