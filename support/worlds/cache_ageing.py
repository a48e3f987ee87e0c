"""Cached prices that grow old: each ends in time, none before, none never, and not all at once."""

import time
from collections.abc import Iterable
from statistics import quantiles

from support.clients.cache_invalidation_redis import price_key
from support.errors import FaultError
from support.polling import poll
from support.worlds.cache_shop import Shop, wait_until
from support.worlds.crowds import for_each

_WAITS_WITHIN_S = 5.0


class Ageing:
    """Prices that the first storefront cached at a known time, and that changed behind its back since.

    The second one makes its copies late, of what is old by then: these must not live longer for that.
    """

    def __init__(self, world: Shop) -> None:
        self._world = world

    def expect_cached_at(self, age_s: float) -> None:
        """When the first was cached `age_s` ago, both storefronts show the cached prices. AssertionError if not."""
        wait_until(self._world.cached_at[0] + age_s)
        self._world.expect_shown(self._world.cached)

    def expect_fresh_at(self, age_s: float) -> None:
        """When the last was cached `age_s` ago, both storefronts show the new prices. AssertionError if not."""
        wait_until(self._world.cached_at[1] + age_s)
        self._world.expect_shown(self._world.prices)


class Everything:
    """All that customers and shops do, so that the caches hold an entry of every sort that there is."""

    def __init__(self, world: Shop) -> None:
        self._world = world

    def happens(self) -> None:
        """Prices and pages are looked at, changed, removed and looked for in vain, at both storefronts."""
        products = list(self._world.prices)
        for number, storefront in enumerate(self._world.storefronts):
            self._world.change(storefront, products[number::4])
            storefront.remove(self._world.name, products[number + 2])
            self._world.prices[products[number + 2]] = None
            for customer in range(5):
                storefront.page_discount(self._world.name, f"customer-{customer}")
        self._world.prices |= {f"unheard-of-{number}": None for number in range(5)}
        self._world.expect_shown(self._world.prices, within_s=1)

    def expect_end_within(self, longest_s: float) -> None:
        """All that both caches hold ends within `longest_s`, also while a price is fetched. AssertionError if not."""
        (fetched,) = self._world.stock(1)
        with self._world.origin.closed():
            waits = self._world.send([(self._world.storefronts[0], fetched)])
            if not poll(lambda: self._world.origin.waiting() == 1, _WAITS_WITHIN_S):
                raise FaultError("nobody waits for the database, though it is closed to all")
            lifetimes = self._world.cached_prices.lifetimes() | self._world.cached_pages.lifetimes()
        waits[0].result()
        wrong = {key: left for key, left in lifetimes.items() if not 0 <= left <= longest_s}
        some = list(wrong.items())[:5]
        assert not wrong, f"{len(wrong)} of {len(lifetimes)} entries do not end within {longest_s:g} s: {some}"
        kinds = [self._world.prices.keys() <= _products(lifetimes), len(lifetimes) > len(self._world.prices)]
        assert all(kinds), f"the caches hold {len(lifetimes)} entries, not one for each product and page that was shown"


class Lifetimes:
    """Many prices that are cached one after the other; for how long each was, as Redis said at once (seconds)."""

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._lifetimes: list[float] = []

    def look_at_all(self) -> None:
        """Every product is looked at once, at both storefronts in turn."""
        for_each(list(enumerate(self._world.prices)), self._look)

    def expect_spread(self, least_s: float) -> None:
        """Nine in ten of the lifetimes, those in the middle, differ by `least_s` or more. AssertionError if not."""
        cuts = quantiles(self._lifetimes, n=20)
        assert cuts[-1] - cuts[0] >= least_s, f"nine in ten of the prices end within {cuts[-1] - cuts[0]:.2f} s"

    def expect_even(self) -> None:
        """Of ten equal parts of the time in which they end none has more than twice its share. AssertionError if so."""
        first, last = min(self._lifetimes), max(self._lifetimes)
        assert last > first, f"all prices end after {first:g} s"
        ends = [min(9, int(10 * (end - first) / (last - first))) for end in self._lifetimes]
        parts = [ends.count(part) for part in range(10)]
        assert max(parts) <= 2 * len(ends) / 10, f"the prices end unevenly: {parts} in tenths of the time"

    def _look(self, numbered: tuple[int, str]) -> None:
        number, product = numbered
        shown = self._world.storefronts[number % 2].price(self._world.name, product)
        asked = time.monotonic()
        lifetime = self._world.cached_prices.lifetime(price_key(self._world.name, product))
        assert shown == self._world.prices[product], f"{product} costs {self._world.prices[product]}, shown was {shown}"
        assert lifetime > 0, f"{product} was shown and is not cached (PTTL {lifetime:g} s)"
        self._lifetimes.append(lifetime + time.monotonic() - asked)


def _products(keys: Iterable[str]) -> set[str]:
    """The products, of whatever shop, that these keys of prices are of."""
    return {key.rpartition(":")[2] for key in keys}
