"""Whether an adapter does its part for cached prices: small exchanges with the whole fleet."""

from collections.abc import Callable, Iterator

from support.capabilities.cache_invalidation_redis.client import Outcome
from support.capabilities.cache_invalidation_redis.world import World
from support.promise import must

_PRODUCT, _CENTS, _PERCENT, _CUSTOMER = "product-1", 1000, 25, "customer-1"


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in words, and the exchange, which raises when it goes wrong."""
    first, second = world.storefronts[0], world.storefronts[-1]
    yield "says that a product is not sold", lambda: _same(first.price(world.name, _PRODUCT), None)
    yield "sets a price", lambda: _same(first.set_price(world.name, _PRODUCT, _CENTS), Outcome.DONE)
    yield "shows a price", lambda: _same(second.price(world.name, _PRODUCT), _CENTS)
    yield (
        "names the key and the form of a cached price",
        lambda: _kept(world.cached_prices.values, world.price_key(_PRODUCT), first.cached_price(_CENTS)),
    )
    yield "names the tables", lambda: _same(world.origin.prices(world.name), {_PRODUCT: _CENTS})
    yield "has prices refused", lambda: _same(first.set_prices(world.name, {_PRODUCT: -1}), Outcome.REFUSED)
    yield "sets a discount", lambda: _same(second.set_discount(world.name, _PERCENT), Outcome.DONE)
    yield "shows a page", lambda: _same(first.discount(world.name, _CUSTOMER), _PERCENT)
    yield (
        "names the key and the form of a cached page",
        lambda: _kept(
            world.cached_pages.values, first.page_key(world.name, _CUSTOMER), first.cached_page(_CUSTOMER, _PERCENT)
        ),
    )
    yield "says what a browser may keep", lambda: second.page_is_kept_for(world.name, _CUSTOMER)
    yield "removes a product", lambda: _same(second.remove(world.name, _PRODUCT), Outcome.DONE)


def _same(found: object, expected: object) -> None:
    must(found == expected, f"expected {expected}, got {found}")


def _kept(values: Callable[..., dict[str, str | None]], key: str, expected: str) -> None:
    found = values(key)[key]
    must(found == expected, f"expected {expected} under {key}, found {found}")
