"""Customers and merchants of many shops: they look at prices and pages, and change them, at any storefront.

The routes, and the keys under which the platform caches, are the reference platform's; a platform with others needs
another module of this name. An answer that a storefront should not have given is an AssertionError.
"""

from collections.abc import Mapping
from urllib.parse import quote

from support.clients.node_client import NodeClient
from support.platforms.platform import Door

ANSWER_WITHIN_S = 30.0  # longer than any promise of a scenario; a storefront that is silent for so long never answers
_CUSTOMERS_AT_ONCE = 256


class Storefront(NodeClient):
    """One node, as customers and merchants reach it."""

    def __init__(self, door: Door) -> None:
        super().__init__(door, ANSWER_WITHIN_S, _CUSTOMERS_AT_ONCE)

    def price(self, shop: str, product: str) -> int | None:
        """What `product` costs, in cents; None when the shop does not sell it."""
        answer = self.ask("GET", _path("shops", shop, "products", product))
        if answer.status_code == 404:
            return None
        cents = self.expect(answer, 200, "price_cents")["price_cents"]
        assert isinstance(cents, int), f"{self.name} told a price that is no number of cents: {answer.text}"
        return cents

    def page_discount(self, shop: str, customer: str) -> int:
        """The discount in per cent that the page of `customer` shows."""
        answer = self.ask("GET", _path("shops", shop, "pages", customer))
        percent = self.expect(answer, 200, "discount_percent")["discount_percent"]
        assert isinstance(percent, int), f"{self.name} told a discount that is no number of per cent: {answer.text}"
        return percent

    def set_price(self, shop: str, product: str, cents: int) -> None:
        """Sets or makes a price; returns when the storefront says that it is done."""
        self.expect(self.ask("PUT", _path("shops", shop, "products", product), {"price_cents": cents}), 204)

    def remove(self, shop: str, product: str) -> None:
        """Takes `product` out of the shop; returns when the storefront says that it is done."""
        self.expect(self.ask("DELETE", _path("shops", shop, "products", product)), 204)

    def set_discount(self, shop: str, percent: int) -> None:
        """Sets the discount of the whole shop; returns when the storefront says that it is done."""
        self.expect(self.ask("PUT", _path("shops", shop, "discount"), {"discount_percent": percent}), 204)

    def offer_prices(self, shop: str, prices: Mapping[str, int]) -> int:
        """Tries to set all of `prices` or none, and returns the answer's status, whatever it is."""
        return self.ask("PUT", _path("shops", shop, "prices"), {"prices": dict(prices)}).status_code

    def offer_discount(self, shop: str, percent: int) -> int:
        """Tries to set the discount, and returns the answer's status, whatever it is."""
        return self.ask("PUT", _path("shops", shop, "discount"), {"discount_percent": percent}).status_code


def price_key(shop: str, product: str) -> str:
    """The key of a cached price, on the single Redis server."""
    return f"price:{_part(shop)}:{_part(product)}"


def page_key(shop: str, customer: str) -> str:
    """The key of a customer's cached page, on the Redis Cluster."""
    return f"page:{_part(shop)}:{_part(customer)}"


def _part(name: str) -> str:
    return name.replace("%", "%25").replace(":", "%3A")


def _path(*parts: str) -> str:
    return "/" + "/".join(quote(part, safe="") for part in parts)
