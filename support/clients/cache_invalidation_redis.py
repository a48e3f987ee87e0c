"""Customers and merchants of many shops: they look at prices and pages, and change them, at any storefront.

The routes, and the keys under which the platform caches, are the reference platform's; a platform with others needs
another module of this name. An answer that a storefront should not have given is an AssertionError.
"""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter

from support.clients.exchanges import Exchanges
from support.containers.platform import Node

ANSWER_WITHIN_S = 30.0  # longer than any promise of a scenario; a storefront that is silent for so long never answers
_CUSTOMERS_AT_ONCE = 256


class Storefront:
    """One node, as customers and merchants reach it; any number of threads may use it at once."""

    def __init__(self, node: Node, exchanges: Exchanges) -> None:
        self.name = node.name
        self._url = node.url
        self._exchanges = exchanges
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy is looked for, which costs more than the request does
        self._http.mount("http://", HTTPAdapter(pool_maxsize=_CUSTOMERS_AT_ONCE))

    def price(self, shop: str, product: str) -> int | None:
        """What `product` costs, in cents; None when the shop does not sell it."""
        answer = self._ask("GET", _path("shops", shop, "products", product))
        if answer.status_code == 404:
            return None
        cents = self._expect(answer, 200).get("price_cents")
        assert isinstance(cents, int), self._told(answer, "200 with a price_cents")
        return cents

    def page_discount(self, shop: str, customer: str) -> int:
        """The discount in per cent that the page of `customer` shows."""
        answer = self._ask("GET", _path("shops", shop, "pages", customer))
        percent = self._expect(answer, 200).get("discount_percent")
        assert isinstance(percent, int), self._told(answer, "200 with a discount_percent")
        return percent

    def set_price(self, shop: str, product: str, cents: int) -> None:
        """Sets or makes a price; returns when the storefront says that it is done."""
        self._expect(self._ask("PUT", _path("shops", shop, "products", product), {"price_cents": cents}), 204)

    def remove(self, shop: str, product: str) -> None:
        """Takes `product` out of the shop; returns when the storefront says that it is done."""
        self._expect(self._ask("DELETE", _path("shops", shop, "products", product)), 204)

    def set_discount(self, shop: str, percent: int) -> None:
        """Sets the discount of the whole shop; returns when the storefront says that it is done."""
        self._expect(self._ask("PUT", _path("shops", shop, "discount"), {"discount_percent": percent}), 204)

    def offer_prices(self, shop: str, prices: Mapping[str, int]) -> int:
        """Tries to set all of `prices` or none, and returns the answer's status, whatever it is."""
        return self._ask("PUT", _path("shops", shop, "prices"), {"prices": dict(prices)}).status_code

    def close(self) -> None:
        """Gives the connections back."""
        self._http.close()

    def _ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        """One request. Raises AssertionError when no answer comes within 30 s."""
        began = time.monotonic()
        try:
            answer = self._http.request(method, self._url + path, json=body, timeout=ANSWER_WITHIN_S)
        except requests.RequestException as error:
            self._exchanges.note(self.name, f"{method} {path} -> {error}")
            raise AssertionError(f"{self.name} gave no answer to {method} {path}: {error}") from error
        took = (time.monotonic() - began) * 1000
        self._exchanges.note(self.name, f"{method} {path} -> {answer.status_code} ({took:.0f} ms) {answer.text}")
        return answer

    def _expect(self, answer: requests.Response, status: int) -> dict[str, Any]:
        """The members of an answer that must have `status`; none where it has no body. AssertionError if not."""
        assert answer.status_code == status, self._told(answer, str(status))
        try:
            body = answer.json() if answer.content else {}
        except ValueError:
            body = None
        assert isinstance(body, dict), self._told(answer, f"{status} with a JSON object")
        return body

    def _told(self, answer: requests.Response, expected: str) -> str:
        request = answer.request
        last = f"the last exchanges:\n{self._exchanges.last()}"
        asked = f"{self.name}: expected {expected} from {request.method} {request.path_url}"
        return f"{asked}, got {answer.status_code}: {answer.text[:300]}\n{last}"


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
