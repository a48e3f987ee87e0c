"""A shop that nobody has used before: its true prices, the caches that hold them, and what customers must be shown."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from hamcrest import assert_that

from support.capabilities.cache_invalidation_redis.client import Adapter, Outcome
from support.capabilities.cache_invalidation_redis.matchers import shows
from support.capabilities.cache_invalidation_redis.origin import Origin
from support.capabilities.cache_invalidation_redis.planted import Planted
from support.containers.redis_cluster import RedisClusterService
from support.faults.faults import Faults
from support.polling import poll
from support.probes.redis import RedisProbe
from support.promise import must
from support.worlds.crowds import for_each
from support.worlds.world import Stage, World, part

DISCOUNT = 10  # per cent
_LAST_S = 60.0
Prices = Mapping[str, int | None]


class Shop(World[Adapter]):
    """What the rules of cached prices have in common; one for each scenario."""

    planted = part(Planted)

    def __init__(self, stage: Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.storefronts, stores = self.nodes, self.fleet.stores
        self.keys = self.nodes[0]  # whichever is asked for them: all nodes share the caches
        self.origin = self.opened(Origin(stores["postgres"], self.keys.books()))
        self.cached_prices = self.opened(RedisProbe(stores["redis"]))
        members = [store for store in stores.values() if isinstance(store, RedisClusterService)]
        self.cached_pages = self.opened(RedisProbe(*members))
        self.name = self.fresh("shop")
        self.prices: dict[str, int | None] = {}  # what is true now
        self.cached: dict[str, int | None] = {}  # what was true when it was cached
        self.cached_at = (0.0, 0.0)  # before the first of them was, and after the last (monotonic seconds)
        self.customers: list[str] = []  # those whose pages were looked at
        self.cents = itertools.count(1000)
        self._crowd = ThreadPoolExecutor(256, thread_name_prefix="customers")
        # Nobody is waited for: who waits for an answer that is held goes on later.
        self.closing.callback(self._crowd.shutdown, wait=False, cancel_futures=True)

    # Products

    def stock(self, count: int) -> list[str]:
        """`count` new products, which the database has and no cache knows; returns their names."""
        fresh = {f"product-{len(self.prices) + number}": next(self.cents) for number in range(count)}
        self.origin.set_prices(self.name, fresh)
        self.prices |= fresh
        return list(fresh)

    def stock_and_cache(self, count: int) -> None:
        """`count` new products, whose prices both storefronts have cached.

        They find them in Redis, where the suite has put them for a minute, so that none ends before it is to be judged.
        """
        fresh = self.stock(count)
        wanted = {product: self.prices[product] for product in fresh}
        entries = {self.price_key(product): self.keys.cached_price(cents or 0) for product, cents in wanted.items()}
        self.cached_prices.keep(entries, _LAST_S)
        self.expect_shown(wanted)
        self.cached = dict(self.prices)

    def stock_and_show(self, count: int, storefronts: Sequence[Adapter] = ()) -> None:
        """`count` new products, which `storefronts` (both, if none is named) have shown twice, so cached themselves."""
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
        """The shop's prices and pages vanish from Redis, as they do where memory is short (maxmemory-policy)."""
        self.cached_prices.drop(*[self.price_key(product) for product in self.prices])
        self.cached_pages.drop(*[self.keys.page_key(self.name, customer) for customer in self.customers])

    def change(self, storefront: Adapter, products: Sequence[str] = ()) -> None:
        """Gives each of `products` (of all, if none is named) a new price, at `storefront`; returns when all are."""
        fresh = {product: next(self.cents) for product in products or self.prices}
        for_each(list(fresh), lambda product: self.done(storefront.set_price(self.name, product, fresh[product])))
        self.prices |= fresh

    def change_discount(self, place: int = 0) -> None:
        """The shop takes 10 % off all its prices, at the storefront of that `place`; returns when that is done."""
        self.done(self.storefronts[place].set_discount(self.name, DISCOUNT))
        self.prices = self.discounted()

    def discounted(self) -> dict[str, int | None]:
        """All prices with 10 % off."""
        return {product: cents and cents * (100 - DISCOUNT) // 100 for product, cents in self.prices.items()}

    def remove_all(self, storefront: Adapter) -> None:
        """The shop takes all its products out, at `storefront`."""
        for_each(list(self.prices), lambda product: self.done(storefront.remove(self.name, product)))
        self.prices = dict.fromkeys(self.prices)

    def begin(self, change: Callable[..., Outcome], *what: Sequence[object]) -> list[Future[None]]:
        """Asks for the same `change` of the shop with each of `what`, all at once, and does not wait for answers."""

        def ask(one: Sequence[object]) -> None:
            self.done(change(self.name, *one))

        return [self._crowd.submit(ask, one) for one in what]

    def done(self, outcome: Outcome) -> None:
        """The shop was told that its change is made. AssertionError, with the last exchanges, if not."""
        must(outcome is Outcome.DONE, f"a possible change was {outcome.value}\n{self.exchanges.last()}")

    def price_key(self, product: str) -> str:
        """The key under which the price of this shop's `product` is cached."""
        return self.keys.price_key(self.name, product)

    # Customers

    def send(self, customers: Sequence[tuple[Adapter, str]]) -> list[Future[int | None]]:
        """Customers who ask a storefront for a product, all at once; returns what each will be shown."""
        return [self._crowd.submit(storefront.price, self.name, product) for storefront, product in customers]

    def send_to_pages(self, customers: Sequence[tuple[Adapter, str]]) -> list[Future[int]]:
        """Customers who look at their pages, all at once; returns which discount each will be shown."""
        return [self._crowd.submit(storefront.discount, self.name, name) for storefront, name in customers]

    def shown(self, storefront: Adapter, products: Sequence[str]) -> dict[str, int | None]:
        """The prices of `products` that `storefront` shows now."""
        found: dict[str, int | None] = {}

        def look(product: str) -> None:
            found[product] = storefront.price(self.name, product)

        for_each(products, look)
        return found

    def expect_shown(self, wanted: Prices, within_s: float = 0, storefronts: Sequence[Adapter] = ()) -> None:
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

    def expect_only(self, wanted: Prices, window_s: float, storefronts: Sequence[Adapter] = ()) -> None:
        """For `window_s` each of `storefronts` shows `wanted` and nothing else. AssertionError with what it did."""
        poll(lambda: self.expect_shown(wanted, storefronts=storefronts), window_s)

    def cache_pages_of_customers(self, count: int) -> None:
        """`count` customers' pages, which both storefronts have cached, in the same way as prices."""
        customers = [f"customer-{number}" for number in range(count)]
        entries = {self.keys.page_key(self.name, name): self.keys.cached_page(name, 0) for name in customers}
        self.cached_pages.keep(entries, _LAST_S)
        self.look_at_pages(count)

    def look_at_pages(self, count: int) -> None:
        """`count` customers have looked at their pages at both storefronts."""
        self.customers = [f"customer-{number}" for number in range(count)]
        self.expect_page_discounts(self.customers, 0)

    def expect_pages_change(self, within_s: float) -> None:
        """Within `within_s` both storefronts show the new discount on these pages. AssertionError if not."""

        def right() -> bool:
            return all(s.discount(self.name, c) == DISCOUNT for s in self.storefronts for c in self.customers)

        poll(right, within_s)
        self.expect_page_discounts(self.customers, DISCOUNT)

    def expect_page_discounts(self, customers: Sequence[str], percent: int) -> None:
        """Both storefronts show the discount of `percent` on the pages of `customers`. AssertionError if not."""

        def look(which: tuple[Adapter, str]) -> None:
            shown = which[0].discount(self.name, which[1])
            must(shown == percent, f"{which[0].name} shows {which[1]} a discount of {shown}, not {percent}")

        for_each([(storefront, customer) for storefront in self.storefronts for customer in customers], look)
