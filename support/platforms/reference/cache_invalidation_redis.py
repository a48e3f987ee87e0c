"""Cached prices as the reference platform serves them: its routes, its keys on Redis, its tables."""

import json
from collections.abc import Mapping
from math import inf
from typing import Any
from urllib.parse import quote

import requests

from support.capabilities.cache_invalidation_redis.client import Books, Outcome
from support.clients.node_client import NodeClient
from support.platforms.platform import Door
from support.promise import broken

_ANSWER_WITHIN_S = 30.0  # longer than any promise of a scenario; a storefront that is silent for so long never answers
_CUSTOMERS_AT_ONCE = 256
_DONE, _NO_SUCH_PRODUCT, _REFUSED = 204, 404, 422

_BOOKS = Books(
    prices="products",
    discounts="shops",
    set_price=(
        "INSERT INTO products (shop, product, price_cents) VALUES (%(shop)s, %(product)s, %(cents)s) "
        "ON CONFLICT (shop, product) DO UPDATE SET price_cents = excluded.price_cents"
    ),
    set_discount=(
        "INSERT INTO shops (shop, discount_percent) VALUES (%(shop)s, %(percent)s) "
        "ON CONFLICT (shop) DO UPDATE SET discount_percent = excluded.discount_percent"
    ),
    all_prices="SELECT product, price_cents FROM products WHERE shop = %(shop)s",
)


class Adapter(NodeClient):
    """One storefront, as customers and shops reach it."""

    def __init__(self, door: Door) -> None:
        super().__init__(door, _ANSWER_WITHIN_S, _CUSTOMERS_AT_ONCE)

    def price(self, shop: str, product: str) -> int | None:
        """What a customer is shown that `product` costs."""
        answer = self.ask("GET", _path("shops", shop, "products", product))
        if answer.status_code == _NO_SUCH_PRODUCT:
            return None
        return self._whole(self.expect(answer, 200, "price_cents")["price_cents"])

    def discount(self, shop: str, customer: str) -> int:
        """The discount that the page of `customer` shows."""
        answer = self.ask("GET", _path("shops", shop, "pages", customer))
        return self._whole(self.expect(answer, 200, "discount_percent")["discount_percent"])

    def price_is_kept_for(self, shop: str, product: str) -> float:
        """For how long whoever asked may keep that price."""
        return _kept_for(self.ask("GET", _path("shops", shop, "products", product)))

    def page_is_kept_for(self, shop: str, customer: str) -> float:
        """For how long whoever asked may keep that page."""
        return _kept_for(self.ask("GET", _path("shops", shop, "pages", customer)))

    def set_price(self, shop: str, product: str, cents: int) -> Outcome:
        """Sets or makes a price."""
        return self._change("PUT", _path("shops", shop, "products", product), {"price_cents": cents})

    def set_prices(self, shop: str, prices: Mapping[str, int]) -> Outcome:
        """Sets all of these prices in one step, or none."""
        return self._change("PUT", _path("shops", shop, "prices"), {"prices": dict(prices)})

    def set_discount(self, shop: str, percent: int) -> Outcome:
        """Sets the discount of the whole shop."""
        return self._change("PUT", _path("shops", shop, "discount"), {"discount_percent": percent})

    def remove(self, shop: str, product: str) -> Outcome:
        """Takes `product` out of the shop."""
        return self._change("DELETE", _path("shops", shop, "products", product))

    def price_key(self, shop: str, product: str) -> str:
        """The key of a cached price."""
        return _key("price", shop, product)

    def page_key(self, shop: str, customer: str) -> str:
        """The key of a cached page."""
        return _key("page", shop, customer)

    def cached_price(self, cents: int, size: int = 0) -> str:
        """A number of JSON, before which blanks may stand (RFC 8259, section 2)."""
        return f"{cents}".rjust(size)

    def cached_page(self, customer: str, percent: int) -> str:
        """An object of JSON."""
        return json.dumps({"customer": customer, "discount_percent": percent}, separators=(",", ":"))

    def books(self) -> Books:
        """The tables."""
        return _BOOKS

    def _change(self, method: str, path: str, body: Any = None) -> Outcome:
        answer = self.ask(method, path, body)
        if answer.status_code == _REFUSED:
            return Outcome.REFUSED
        self.expect(answer, _DONE)
        return Outcome.DONE

    def _whole(self, number: Any) -> int:
        if isinstance(number, int):
            return number
        broken(f"{self.name} told {number!r}, which is no whole number\nthe last exchanges:\n{self._exchanges.last()}")


def _kept_for(answer: requests.Response) -> float:
    """Seconds, by the answer's Cache-Control (RFC 9111, RFC 5861), and by those for single caches (RFC 9213).

    The longest of those in which any cache may show it again: fresh, or stale until it has asked or when it cannot.
    """
    single = [told for name, told in answer.headers.items() if name.lower().endswith("-cache-control")]
    return max(map(_allowed_by, [answer.headers.get("Cache-Control", ""), *single]))


def _allowed_by(told: str) -> float:
    rules = dict(rule.strip().lower().partition("=")[::2] for rule in told.split(","))
    if "no-store" in rules or rules.get("no-cache") == "":
        return 0
    fresh = [float(rules[rule]) for rule in ("max-age", "s-maxage") if rule in rules]
    stale = [float(rules[rule]) for rule in ("stale-while-revalidate", "stale-if-error") if rule in rules]
    return max(fresh, default=inf) + max(stale, default=0)


def _key(kind: str, *names: str) -> str:
    return ":".join([kind, *[name.replace("%", "%25").replace(":", "%3A") for name in names]])


def _path(*parts: str) -> str:
    return "/" + "/".join(quote(part, safe="") for part in parts)
