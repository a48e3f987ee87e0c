"""A shop that nobody has used before: its true prices, the caches that hold them, and what customers must be shown."""

import itertools
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

from hamcrest import assert_that

from support.capabilities.cache_invalidation_redis.client import Storefront, price_key
from support.capabilities.cache_invalidation_redis.matchers import shows
from support.capabilities.cache_invalidation_redis.origin import Origin
from support.capabilities.cache_invalidation_redis.probe import CacheStore
from support.containers.redis_cluster import RedisClusterService
from support.faults.faults import Faults
from support.polling import poll
from support.worlds.crowds import for_each
from support.worlds.world import Stage, World

DISCOUNT = 10  # per cent
Prices = Mapping[str, int | None]


class Shop(World[Storefront]):
    """What the rules of cached prices have in common; one for each scenario."""

    def __init__(self, stage: Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        fleet, self.storefronts = self.fleet, self.nodes
        self.origin = Origin(fleet.stores["postgres"])
        self.cached_prices = CacheStore(fleet.stores["redis"])
        members = [store for store in fleet.stores.values() if isinstance(store, RedisClusterService)]
        self.cached_pages = CacheStore(*members)
        self.name = self.fresh_name("shop")
        self.prices: dict[str, int | None] = {}  # what is true now
        self.cached: dict[str, int | None] = {}  # what was true when it was cached
        self.cached_at = (0.0, 0.0)  # before the first of them was, and after the last (monotonic seconds)
        self.customers: list[str] = []  # those whose pages were looked at
        self.cents = itertools.count(1000)
        self.cleanups = ExitStack()
        self._crowd = ThreadPoolExecutor(256, thread_name_prefix="customers")

    def close(self) -> None:
        """Undoes what single rules have set up, and gives every connection back."""
        self.cleanups.close()
        self._crowd.shutdown(wait=False, cancel_futures=True)  # who waits for an answer that is held, goes on later
        super().close()
        for probe in (self.origin, self.cached_prices, self.cached_pages):
            probe.close()

    @staticmethod
    def fresh_name(kind: str) -> str:
        """The name of a shop that nobody has used before."""
        return f"{kind}-{uuid.uuid4().hex[:12]}"

    # Products

    def stock(self, count: int) -> list[str]:
        """`count` new products, which the database has and no cache knows; returns their names."""
        fresh = {f"product-{len(self.prices) + number}": next(self.cents) for number in range(count)}
        self.origin.set_prices(self.name, fresh)
        self.prices |= fresh
        return list(fresh)

    def stock_and_cache(self, count: int, storefronts: Sequence[Storefront] = ()) -> None:
        """`count` new products, whose prices `storefronts` (both, if none is named) have shown twice, so cached."""
        fresh = self.stock(count)
        wanted = {product: self.prices[product] for product in fresh}
        began = time.monotonic()
        self.expect_shown(wanted, storefronts=storefronts)
        self.cached_at = (began, time.monotonic())
        self.expect_shown(wanted, storefronts=storefronts)
        self.cached = dict(self.prices)

    def change_behind_their_back(self) -> None:
        """Every price is changed in the database, where no storefront hears of it."""
        fresh = {product: next(self.cents) for product in self.prices}
        self.origin.set_prices(self.name, fresh)
        self.prices |= fresh

    def drop_from_redis(self) -> None:
        """The shop's prices vanish from Redis, as they do where memory is short (redis.conf, maxmemory-policy)."""
        self.cached_prices.drop(*[price_key(self.name, product) for product in self.prices])

    def change(self, storefront: Storefront, products: Sequence[str] = ()) -> None:
        """Gives each of `products` (of all, if none is named) a new price, at `storefront`; returns when all are."""
        fresh = {product: next(self.cents) for product in products or self.prices}
        for_each(list(fresh), lambda product: storefront.set_price(self.name, product, fresh[product]))
        self.prices |= fresh

    def change_discount(self, place: int = 0) -> None:
        """The shop takes 10 % off all its prices, at the storefront of that `place`; returns when that is done."""
        self.storefronts[place].set_discount(self.name, DISCOUNT)
        self.prices = self.discounted()

    def discounted(self) -> dict[str, int | None]:
        """All prices with 10 % off."""
        return {product: cents and cents * (100 - DISCOUNT) // 100 for product, cents in self.prices.items()}

    def remove_all(self, storefront: Storefront) -> None:
        """The shop takes all its products out, at `storefront`."""
        for_each(list(self.prices), lambda product: storefront.remove(self.name, product))
        self.prices = dict.fromkeys(self.prices)

    def begin(self, change: Callable[..., None], *what: Sequence[object]) -> list[Future[None]]:
        """Asks for the same `change` of the shop with each of `what`, all at once, and does not wait for answers."""
        return [self._crowd.submit(change, self.name, *one) for one in what]

    # Customers

    def send(self, customers: Sequence[tuple[Storefront, str]]) -> list[Future[int | None]]:
        """Customers who ask a storefront for a product, all at once; returns what each will be shown."""
        return [self._crowd.submit(storefront.price, self.name, product) for storefront, product in customers]

    def send_to_pages(self, customers: Sequence[tuple[Storefront, str]]) -> list[Future[int]]:
        """Customers who look at their pages, all at once; returns which discount each will be shown."""
        return [self._crowd.submit(storefront.page_discount, self.name, name) for storefront, name in customers]

    def shown(self, storefront: Storefront, products: Sequence[str]) -> dict[str, int | None]:
        """The prices of `products` that `storefront` shows now."""
        found: dict[str, int | None] = {}

        def look(product: str) -> None:
            found[product] = storefront.price(self.name, product)

        for_each(products, look)
        return found

    def expect_shown(self, wanted: Prices, within_s: float = 0, storefronts: Sequence[Storefront] = ()) -> None:
        """Within `within_s` each of `storefronts` (both, if none is named) shows `wanted`. AssertionError if not."""
        asked = storefronts or self.storefronts

        def look() -> list[dict[str, int | None]]:
            return [self.shown(storefront, list(wanted)) for storefront in asked]

        seen = look()

        def right() -> bool:
            seen[:] = look()
            return all(prices == wanted for prices in seen)

        if within_s:
            poll(right, within_s, every_s=0.02)
        for storefront, prices in zip(asked, seen, strict=True):
            assert_that(prices, shows(wanted), f"{storefront.name}, after up to {within_s:g} s")

    def expect_only(self, wanted: Prices, window_s: float, storefronts: Sequence[Storefront] = ()) -> None:
        """For `window_s` each of `storefronts` shows `wanted` and nothing else. AssertionError with what it did."""
        poll(lambda: self.expect_shown(wanted, storefronts=storefronts), window_s)

    def look_at_pages(self, count: int) -> None:
        """`count` customers have looked at their pages, twice at both storefronts."""
        self.customers = [f"customer-{number}" for number in range(count)]
        for _ in range(2):
            self.expect_page_discounts(self.customers, 0)

    def expect_pages_change(self, within_s: float) -> None:
        """Within `within_s` both storefronts show the new discount on these pages. AssertionError if not."""

        def right() -> bool:
            return all(s.page_discount(self.name, c) == DISCOUNT for s in self.storefronts for c in self.customers)

        poll(right, within_s)
        self.expect_page_discounts(self.customers, DISCOUNT)

    def expect_page_discounts(self, customers: Sequence[str], percent: int) -> None:
        """Both storefronts show the discount of `percent` on the pages of `customers`. AssertionError if not."""
        for storefront in self.storefronts:
            for customer in customers:
                shown = storefront.page_discount(self.name, customer)
                assert shown == percent, f"{storefront.name} shows {customer} a discount of {shown}, not {percent}"


def wait_until(moment: float) -> None:
    """Returns at `moment` (monotonic seconds), or at once when that is over: a promise begins or ends then."""
    time.sleep(max(0.0, moment - time.monotonic()))
