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
# a key or escapes that, a quotation mark, the last letter of many, how a number is written.
_ALIKE = ["x1", "X1", "x1 ", "x-1", "x_1", "ä", "a\u0308", "b", "a:b", "a%3Ab", "a'b", _LONG + "1", _LONG + "2", "01"]
_SHOPS_ALIKE: dict[Callable[[str], str], int] = {str: 0, str.upper: 10, "{}:a".format: 20}  # discounts in per cent
_VERY_DEAR = 10_000_000_000  # cents: no number of 32 bits
_CUSTOMERS = ["x1", "X1"]


class SimilarNames:
    """Products whose names are alike, in shops whose names are, each at a price of its own.

    The same customers look at pages of each shop, which has a discount of its own.
    """

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._discounts: dict[str, int] = {}  # shop -> per cent
        self._prices: dict[tuple[str, str], int] = {}  # (shop, product) -> cents without the discount

    def open(self, least: int) -> None:
        """The shops and products, which both storefronts show twice, so that they are cached; the first costs `least`.

        The second one costs very much.
        """
        cents = chain([least, _VERY_DEAR], self._world.cents)
        for alike, percent in _SHOPS_ALIKE.items():
            shop, fresh = alike(self._world.name), {name: next(cents) for name in _ALIKE}
            self._world.origin.set_prices(shop, fresh)
            self._world.done(self._world.storefronts[0].set_discount(shop, percent))
            self._discounts[shop] = percent
            self._prices |= {(shop, name): price for name, price in fresh.items()}
        for _ in range(2):
            self.expect_told_apart(0)

    def change_every_second(self) -> None:
        """Every second price is changed, at both storefronts in turn."""
        chosen = list(self._prices)[::2]
        self._prices |= {which: next(self._world.cents) for which in chosen}
        for_each(list(zip(chosen, turns(self._world.storefronts), strict=False)), self._change)

    def expect_told_apart(self, within_s: float) -> None:
        """Within `within_s` both storefronts show each product at its own price, each page with its shop's discount.

        AssertionError if not.
        """
        wanted: dict[str, int | None] = {
            _told(shop, product): cents * (100 - self._discounts[shop]) // 100
            for (shop, product), cents in self._prices.items()
        }
        wanted |= {_told(shop, customer, "page"): self._discounts[shop] for shop, customer in self._pages()}
        for storefront in self._world.storefronts:
            poll(partial(self._shows, storefront, wanted), within_s, every_s=0.02)
            assert_that(self._seen(storefront), shows(wanted), storefront.name)

    def _change(self, what: tuple[tuple[str, str], Adapter]) -> None:
        (shop, product), storefront = what
        self._world.done(storefront.set_price(shop, product, self._prices[shop, product]))

    def _shows(self, storefront: Adapter, wanted: Prices) -> bool:
        return self._seen(storefront) == wanted

    def _seen(self, storefront: Adapter) -> Prices:
        found: dict[str, int | None] = {}

        def look(which: tuple[str, str]) -> None:
            found[_told(*which)] = storefront.price(*which)

        def look_at_page(which: tuple[str, str]) -> None:
            found[_told(*which, "page")] = storefront.discount(*which)

        for_each(list(self._prices), look)
        for_each(self._pages(), look_at_page)
        return found

    def _pages(self) -> list[tuple[str, str]]:
        return [(shop, customer) for shop in self._discounts for customer in _CUSTOMERS]


def _told(shop: str, name: str, what: str = "product") -> str:
    return f"{what} {name!r} of {shop!r}"
