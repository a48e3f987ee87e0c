"""Names that a cache may take for one another when it makes keys or patterns of them, in all that is done."""

from collections.abc import Callable
from itertools import chain, count
from operator import methodcaller

from hamcrest import assert_that

from support.capabilities.cache_invalidation_redis.client import Adapter, Outcome
from support.capabilities.cache_invalidation_redis.matchers import shows
from support.capabilities.cache_invalidation_redis.shop import Prices, Shop
from support.polling import poll
from support.promise import must
from support.worlds.crowds import for_each
from support.worlds.world import turns

_LONG = "n" * 70
# Each differs from its neighbour by what is easily lost: case, a blank, what stands for any letter, how an accent is
# written, what separates the parts of a key or escapes that, how a number is written, the last letter of many.
_ONES = ["X1", "x1 ", "x_1", "a\u0308", "a%3Ab", "01", _LONG + "1", "a'b"]
_OTHERS = ["x1", "x-1", "x%1", "ä", "a:b", "1", _LONG + "2", "a:x1"]
_ALIKE = [*_ONES, *_OTHERS]
_LOOKED_FOR_IN_VAIN = "X-1"
_CHANGE_PRICES: list[Callable[[str], str]] = [str, str.upper, "{}:a".format, "{}%3Aa".format]
_ROLES = ("alone", "listed", "removed", "untouched")  # what becomes of a product
# What a pattern, a prefix or an escape would take for the name of another. Each sells one product, and no other.
_CHANGE_DISCOUNTS = [
    "7",
    "70",
    "a*b",
    "axxb",
    "a?b",
    "axb",
    "a[bc]d",
    "abd",
    "e\\f%",
    "e\\f%:g",
    "g_",
    "gh",
    "i j",
    "i",
]
_VERY_DEAR = 2**53 - 1  # cents: the largest number that every reader of JSON understands (RFC 8259, section 6)
_KEPT_S = 60.0
_ONE = "x1"
_CUSTOMERS = ["x1", "X1"]
Change = Callable[[Adapter], Outcome]


class SimilarNames:
    """Products whose names are alike, in shops whose names are, each at a price of its own.

    Four of the shops sell many products and change these: each product is changed alone in one of the shops, in a list
    in another, taken out of the third, and untouched in the fourth, where what is like it changes. The other shops
    change their discounts. The same customers look at pages of each shop. Which shop does what, where and in which
    order is drawn anew each time.
    """

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._draw = world.draw()
        self._discounts: dict[str, int] = {}  # shop -> per cent
        self._prices: dict[tuple[str, str], int | None] = {}  # (shop, product) -> cents without the discount
        self._many: list[str] = []  # the shops that change prices

    def open(self, least: int) -> None:
        """The shops and products, which both storefronts show twice, so that they are cached; the first costs `least`.

        The second one costs very much.
        """
        cents, percents = chain([least, _VERY_DEAR], self._world.cents), count(1, 2)
        first = self._world.storefronts[0]
        self._many = [alike(self._world.name) for alike in _CHANGE_PRICES]
        single = [f"{self._world.name}-{name}" for name in _CHANGE_DISCOUNTS]
        for shop in (*self._many, *single):
            fresh = {name: next(cents) for name in (_ALIKE if shop in self._many else [_ONE])}
            self._world.origin.set_prices(shop, fresh)
            self._discounts[shop] = next(percents)
            self._prices |= {(shop, name): price for name, price in fresh.items()}
        self._prices |= {(shop, _LOOKED_FOR_IN_VAIN): None for shop in self._many}
        for_each(list(self._discounts.items()), lambda one: self._world.done(first.set_discount(*one)))
        self._put_into_redis()
        for _ in range(2):
            self.expect_told_apart(0)

    def change(self) -> None:
        """All that shops can do, at both storefronts in turn."""
        shops = self._draw.sample(self._many, len(self._many))
        changes = [change for turn, shop in enumerate(shops) for change in self._changes_of_products(turn, shop)]
        changes += self._changes_of_discounts()
        self._draw.shuffle(changes)
        for_each(list(zip(changes, turns(self._world.storefronts), strict=False)), self._do)

    def expect_told_apart(self, within_s: float) -> None:
        """Within `within_s` both storefronts show each product at its own price, each page with its shop's discount.

        The database has just that, too: what is gone there may still be cached. AssertionError if not, with the number
        by which what was done can be drawn again.
        """
        wanted: dict[str, int | None] = {
            _told(shop, product): cents if cents is None else cents * (100 - self._discounts[shop]) // 100
            for (shop, product), cents in self._prices.items()
        }
        wanted |= {_told(shop, customer, "page"): self._discounts[shop] for shop, customer in self._pages()}
        for storefront in self._world.storefronts:
            self._expect_shown(storefront, wanted, within_s)
        sold = {which: cents for which, cents in self._prices.items() if cents is not None}
        kept = {(s, product): cents for s in self._discounts for product, cents in self._world.origin.prices(s).items()}
        wrong = sorted(which for which in sold.keys() | kept.keys() if sold.get(which) != kept.get(which))
        must(not wrong, f"the database has other prices for {wrong[:5]}, {self._draw}")

    def _put_into_redis(self) -> None:
        """Every price and page there is, so that none ends before its change is to be judged."""
        shown = {
            which: cents * (100 - self._discounts[which[0]]) // 100
            for which, cents in self._prices.items()
            if cents is not None
        }
        keys = self._world.keys
        entries = {keys.price_key(*which): keys.cached_price(cents) for which, cents in shown.items()}
        self._world.cached_prices.keep(entries, _KEPT_S)
        pages = {keys.page_key(s, name): keys.cached_page(name, self._discounts[s]) for s, name in self._pages()}
        self._world.cached_pages.keep(pages, _KEPT_S)

    def _changes_of_products(self, turn: int, shop: str) -> list[Change]:
        """Some new prices one by one, some in a list, some products taken out, and one that is new."""
        of_role = {_ROLES[turn]: _ONES, _ROLES[(turn + 1) % len(_ROLES)]: _OTHERS}
        alone = [*of_role.get("alone", []), _LOOKED_FOR_IN_VAIN]
        listed, removed = of_role.get("listed", []), of_role.get("removed", [])
        fresh = {name: next(self._world.cents) for name in (*alone, *listed)}
        self._prices |= {(shop, name): fresh.get(name) for name in (*fresh, *removed)}
        changes: list[Change] = [methodcaller("set_price", shop, name, fresh[name]) for name in alone]
        changes += [methodcaller("remove", shop, name) for name in removed]
        lists = [{name: fresh[name] for name in listed}] if listed else []
        return [*changes, *[methodcaller("set_prices", shop, prices) for prices in lists]]

    def _changes_of_discounts(self) -> list[Change]:
        """Another discount for each of the other shops: one gives everything away, and one ends its discount."""
        shops = [shop for shop in self._discounts if shop not in self._many]
        percents = [0, 100, *range(50, 100, 2)][: len(shops)]
        self._draw.shuffle(percents)
        fresh = dict(zip(shops, percents, strict=True))
        self._discounts |= fresh
        return [methodcaller("set_discount", *one) for one in fresh.items()]

    def _do(self, what: tuple[Change, Adapter]) -> None:
        change, storefront = what
        self._world.done(change(storefront))

    def _expect_shown(self, storefront: Adapter, wanted: Prices, within_s: float) -> None:
        seen: dict[str, int | None] = {}

        def right() -> bool:
            seen.update(self._seen(storefront))
            return seen == wanted

        poll(right, within_s, every_s=0.02)
        assert_that(seen, shows(wanted), f"{storefront.name}, {self._draw}")

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
        """Two pages of each shop that changes prices, and a single one of each other."""
        return [
            (shop, customer) for shop in self._discounts for customer in (_CUSTOMERS if shop in self._many else [_ONE])
        ]


def _told(shop: str, name: str, what: str = "product") -> str:
    return f"{what} {name!r} of {shop!r}"
