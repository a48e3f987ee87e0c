"""Clears: of shops with similar names, of very many prices, and of pages all over a cluster."""

import itertools
import time
from collections.abc import Sequence
from statistics import quantiles

from redis.crc import key_slot

from support.capabilities.cache_invalidation_redis.probe import Asker
from support.capabilities.cache_invalidation_redis.shop import DISCOUNT, Shop
from support.errors import FaultError
from support.polling import poll
from support.probes.redis import slots_of
from support.promise import must
from support.worlds.crowds import threads
from support.worlds.world import turns

_BEGINS_WITHIN_S = 10.0
_CLEARING = ("SCAN", "SSCAN", "SMEMBERS", "KEYS", "UNLINK", "DEL", "EVAL", "EVALSHA")  # by which a clear may begin


class LookAlikes:
    """Shops whose names hold what a pattern would take for its own, and others that only such a pattern matches."""

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._cleared: list[str] = []

    def open_shops(self, names: Sequence[str], prices: int, pages: int, spared: bool = False) -> None:
        """A shop for each of `names`, with so many cached prices and pages; the `spared` ones are not cleared later."""
        world, shops = self._world, [f"{self._world.name}-{name}" for name in names]
        keys = [world.keys.price_key(shop, f"product-{number}") for shop in shops for number in range(prices)]
        world.planted.plant(world.cached_prices, keys, world.keys.cached_price(1000), spared)
        keys = [world.keys.page_key(shop, f"customer-{number}") for shop in shops for number in range(pages)]
        world.planted.plant(world.cached_pages, keys, world.keys.cached_page("cached", 0), spared)
        self._cleared += [] if spared else shops

    def change_discounts(self) -> None:
        """Each shop that is not to be spared changes its discount, at both storefronts in turn."""
        for shop, storefront in zip(self._cleared, turns(self._world.storefronts), strict=False):
            self._world.done(storefront.set_discount(shop, DISCOUNT))


class Blocking:
    """How often the servers of both caches are asked for what holds up all others, since this began."""

    _COMMANDS = ("KEYS", "DEL", "FLUSHDB", "FLUSHALL")

    def __init__(self, world: Shop) -> None:
        self._stores = (world.cached_prices, world.cached_pages)
        self._before: dict[str, int] = {}

    def begin(self) -> None:
        """Counts from now on."""
        self._before = self._calls()

    def expect_none(self) -> None:
        """The servers have counted no such call since. AssertionError with those that they did."""
        called = {name: after - self._before[name] for name, after in self._calls().items()}
        must(not any(called.values()), f"expected none of these calls, Redis counts {called}")

    def _calls(self) -> dict[str, int]:
        counts = [store.calls(*self._COMMANDS) for store in self._stores]
        return {name: sum(count[name] for count in counts) for name in self._COMMANDS}


class BigClear:
    """Very many cached prices, and others who ask the same server while they are cleared."""

    _STEPS = ("SCAN", "UNLINK")  # what goes over keys in steps of any size
    _SCRIPTS = ("EVAL", "EVALSHA", "FCALL")  # by which that can be done as one
    _OF_ALL = 1 / 10  # of what all steps take: what a script may take, where 1 in 100 of the keys are cleared in each

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._count = 0

    def plant(self, count: int) -> None:
        """`count` prices of the shop are cached."""
        self._count = count
        keys = [self._world.price_key(f"cached-{number}") for number in range(count)]
        self._world.planted.plant(self._world.cached_prices, keys, self._world.keys.cached_price(1000), spared=False)

    def clear_while_others_ask(self) -> None:
        """The shop changes its discount; until that is done others ask Redis, and a server that clears nothing."""
        before = self._counts()
        member = next(iter(self._world.cached_pages.members))
        stores = self._world.fleet.stores
        with Asker(stores["redis"]) as others, Asker(stores[member]) as elsewhere:
            began = time.monotonic()
            self._world.change_discount()
            self._took_s = time.monotonic() - began
        self._waits, self._elsewhere = others.waits(), elsewhere.waits()
        self._steps, self._spent = (
            {name: now[name] - then[name] for name in now} for then, now in zip(before, self._counts(), strict=True)
        )

    def expect_small_steps(self, part: int) -> None:
        """Each command that went over the prices took on average no more than 1 in `part`. AssertionError if not.

        Nor was it a script that did so many steps at once; how long it takes is what Redis says itself.
        """
        large = {name: calls for name in self._STEPS if 0 < (calls := self._steps[name]) < part}
        must(not large, f"{self._count} prices were cleared in {large} calls, expected {part} or more of each")
        most = self._OF_ALL * sum(self._spent[name] for name in self._STEPS)
        long = {name: self._spent[name] for name in self._SCRIPTS if self._spent[name] > most * self._steps[name]}
        must(not long, f"scripts took so many microseconds: {long}, expected {most:.0f} or fewer of each call")

    def expect_not_blocked(self, percent: int, part: float) -> None:
        """`percent` in 100 waits were shorter than this `part` of the clear itself. AssertionError if not.

        A busy machine slows both alike, and where it stands still, so do those who ask a server that clears nothing.
        """
        # Twice the sample has the same distribution, and one value alone has none.
        wait, usual = (quantiles(waits * 2, n=100)[percent - 1] for waits in (self._waits, self._elsewhere))
        told = f"{percent} in 100 waited up to {wait:.3f} s of a clear of {self._took_s:.3f} s, elsewhere {usual:.3f} s"
        must(wait < part * self._took_s + usual, told)

    def _counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """Of each command, how often it was called, and how long all its calls took."""
        commands, prices = (*self._STEPS, *self._SCRIPTS), self._world.cached_prices
        return prices.calls(*commands), prices.spent(*commands)


class ClusterClear:
    """Cached pages on all servers of a cluster; some of them share slots, as names that hold the same tag do.

    A tag is what stands between braces in a key (Redis Cluster specification, hash tags).
    """

    _TAGS = 20

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._slots: list[int] = []
        self._looked_at: list[str] = []

    def plant(self, count: int, others: int) -> None:
        """`count` pages of the shop are cached, and `others` of another."""
        self._slots = self._moving_slots()
        tags = [_tag_of(slot) for slot in self._slots]
        alone = [f"customer-{number}" for number in range(count * 3 // 4)]
        together = [f"{{{tag}}}-{number}" for tag in tags for number in range(count // 4 // len(tags))]
        self._looked_at = [*alone[:10], *together[:: len(together) // 10]]
        self._plant(self._world.name, alone + together, spared=False)
        self._plant(self._world.fresh("other"), [f"customer-{number}" for number in range(others)], spared=True)

    def clear_while_slots_move(self) -> None:
        """The shop changes its discount while slots with many of the pages move to another server.

        FaultError when no page moved.
        """
        resharding = self._world.faults.reshard("redis-cluster")
        before = self._steps_of_a_clear()
        with threads(1) as merchant:
            change = merchant.submit(self._world.change_discount)
            # What moves before the clear looks at its first key is found where it is then.
            poll(lambda: self._steps_of_a_clear() > before or change.done(), _BEGINS_WITHIN_S, every_s=0.001)
            moved = resharding.move(self._slots)
            change.result()
        if not moved:
            raise FaultError("all pages were cleared before the first of them moved")

    def expect_shown(self) -> None:
        """Both storefronts show the new discount on the pages that are looked at. AssertionError if not."""
        self._world.expect_page_discounts(self._looked_at, DISCOUNT)

    def _plant(self, shop: str, customers: Sequence[str], spared: bool) -> None:
        keys = [self._world.keys.page_key(shop, customer) for customer in customers]
        page = self._world.keys.cached_page("cached", 0)
        self._world.planted.plant(self._world.cached_pages, keys, page, spared)

    def _steps_of_a_clear(self) -> int:
        return sum(self._world.cached_pages.calls(*_CLEARING).values())

    def _moving_slots(self) -> list[int]:
        """The last slots of the first server and of the last: where a scan that goes by slots comes late."""
        owned = [sorted(slots_of(client)) for client in self._world.cached_pages.members.values()]
        half = self._TAGS // 2
        pairs = zip(owned[0][-half:], owned[-1][-half:], strict=True)
        return [slot for pair in pairs for slot in pair]


def _tag_of(slot: int) -> str:
    """The first tag, a number, that falls into `slot`."""
    return next(tag for tag in map(str, itertools.count()) if key_slot(tag.encode()) == slot)
