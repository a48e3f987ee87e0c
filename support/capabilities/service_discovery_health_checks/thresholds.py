"""How many checks in a row it takes until an instance is out, and until it is in again."""

import time
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, less_than_or_equal_to

from support.capabilities.service_discovery_health_checks.client import Health
from support.errors import ProbeError
from support.nouns import Who
from support.polling import poll
from support.probes.consul import CRITICAL, PASSING
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World

# Between the looks before and after a change: checks are a second apart, so no other came in between than what made it.
_LONGEST_GAP_S = 0.9


class Thresholds:
    """One instance, what it answered, and when Consul changed its mind."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._failing_since = self._well_since = 0.0
        self._name = self._address = ""

    def fail_and_recover(self, who: Who) -> None:
        """The instance fails every check until Consul has taken it out, and is well until it is in again."""
        world, record = self._world, self._world.record
        (node,), (instance,) = world.fleet.nodes_called(who), world.adapters(who)
        self._name, self._address = node.name, node.inner_address()
        self._failing_since = time.time()
        instance.answer_checks(Health.FAILING)
        world.expect_status(node, CRITICAL)
        self._well_since = time.time()
        instance.answer_checks(Health.WELL)
        world.expect_status(node, PASSING)
        poll(lambda: record.changes(self._address)[-1][1] == PASSING, _LONGEST_GAP_S)

    def expect_changed_after(self, bad: int, good: int) -> None:
        """It went out at exactly the `bad`th check that it failed, and came back at the `good`th that it passed."""
        changes = self._world.record.changes(self._address)
        changes = changes[1:] if changes[0][1] == PASSING else changes
        assert_that([status for _, status in changes], equal_to([CRITICAL, PASSING]), "what Consul said of it")
        (out, _), (back, _) = changes
        (instance,) = (one for one in self._world.instances if one.name == self._name)
        checks = instance.checks()
        failed = sum(c.health is Health.FAILING and self._failing_since < c.at <= out for c in checks)
        passed = sum(c.health is Health.WELL and self._well_since < c.at <= back for c in checks)
        must(failed >= bad and passed >= good, f"it changed after {failed} failed and {passed} good checks")
        if max(map(self._world.record.unseen_s, (out, back))) > _LONGEST_GAP_S:
            raise ProbeError("Consul was not looked at for so long that a check may have come in between")
        assert_that((failed, passed), equal_to((bad, good)), "failed and good checks until Consul changed")

    def expect_out_within(self, seconds: float) -> None:
        """It went out so soon after it had begun to fail."""
        out = next(at for at, status in self._world.record.changes(self._address) if status == CRITICAL)
        assert_that(out - self._failing_since, less_than_or_equal_to(seconds), "seconds until it was out")

    def flap(self, who: Who) -> None:
        """From now on every other check of the instance fails."""
        (self._flapping,), (instance,) = self._world.fleet.nodes_called(who), self._world.adapters(who)
        self._world.record.looks.clear()
        self._checks_before = len(instance.checks())
        instance.answer_checks(Health.FAILING, Health.WELL)

    def expect_never_out(self, who: Who, checks: int) -> None:
        """Consul never said anything of it but that it was passing, until it was checked so often."""
        (instance,) = self._world.adapters(who)
        done = poll(lambda: len(instance.checks()) >= self._checks_before + checks, 2.0 * checks)
        must(done, f"{instance.name} was not checked {checks} times within {2 * checks} s")
        self._world.record.end()
        changes = [status for _, status in self._world.record.changes(self._flapping.inner_address())]
        assert_that(changes, equal_to([PASSING]), "what Consul said of it")
