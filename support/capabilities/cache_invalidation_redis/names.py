"""Names that a cache may take for one another when it makes a key of them."""

from collections.abc import Callable
from functools import partial
from itertools import chain

from hamcrest import assert_that

from support.capabilities.cache_invalidation_redis.client import Adapter
from support.capabilities.cache_invalidation_redis.matchers import shows
from support.capabilities.cache_invalidation_redis.shop import Prices, Shop
from support.polling import poll
from support.worlds.crowds import for_each
from support.worlds.world import turns

_LONG = "n" * 70
# Each differs from another by what is easily lost: case, a blank, how an accent is written, what separates the parts of
# a key or escapes that, the last letter of many, how a number is written.
_ALIKE = ["x1", "X1", "x1 ", "x-1", "x_1", "ä", "a\u0308", "b", "a:b", "a%3Ab", _LONG + "1", _LONG + "2", "1", "01"]
_SHOPS_ALIKE: list[Callable[[str], str]] = [str, str.upper, "{}:a".format]


class SimilarNames:
    """Products whose names are alike, in shops whose names are, each at a price of its own."""

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._prices: dict[tuple[str, str], int] = {}  # (shop, product) -> what is true now

    def open(self) -> None:
        """The shops and products, which both storefronts show twice, so that they are cached; the first costs 0."""
        cents = chain([0], self._world.cents)
        for shop in [alike(self._world.name) for alike in _SHOPS_ALIKE]:
            fresh = {name: next(cents) for name in _ALIKE}
            self._world.origin.set_prices(shop, fresh)
            self._prices |= {(shop, name): price for name, price in fresh.items()}
        for _ in range(2):
            self.expect_own_prices(0)

    def change_every_second(self) -> None:
        """Every second price is changed, at both storefronts in turn."""
        chosen = list(self._prices)[::2]
        self._prices |= {which: next(self._world.cents) for which in chosen}
        for_each(list(zip(chosen, turns(self._world.storefronts), strict=False)), self._change)

    def expect_own_prices(self, within_s: float) -> None:
        """Within `within_s` both storefronts show each product at its own price. AssertionError if not."""
        wanted = {_told(*which): price for which, price in self._prices.items()}
        for storefront in self._world.storefronts:
            poll(partial(self._shows, storefront, wanted), within_s, every_s=0.02)
            assert_that(self._seen(storefront), shows(wanted), storefront.name)

    def _shows(self, storefront: Adapter, wanted: Prices) -> bool:
        return self._seen(storefront) == wanted

    def _change(self, what: tuple[tuple[str, str], Adapter]) -> None:
        (shop, product), storefront = what
        self._world.done(storefront.set_price(shop, product, self._prices[shop, product]))

    def _seen(self, storefront: Adapter) -> Prices:
        found: dict[str, int | None] = {}

        def look(which: tuple[str, str]) -> None:
            found[_told(*which)] = storefront.price(*which)

        for_each(list(self._prices), look)
        return found


def _told(shop: str, product: str) -> str:
    return f"{product!r} of {shop!r}"
