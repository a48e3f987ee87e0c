"""What customers and shops can do at one storefront, and where the platform keeps what the suite has to look at.

Prices are whole cents, discounts per cent. Who may change what is not judged here: an adapter acts as the shop itself,
with whatever right the platform asks for.
"""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple, Protocol


class Outcome(Enum):
    """What a shop is told of a change that it asked for."""

    DONE = "done"
    REFUSED = "refused"  # such a price or discount cannot be, and nothing of the change was done


class Books(NamedTuple):
    """Where the truth is in PostgreSQL. Statements name their parameters: %(shop)s, %(product)s, %(cents)s,
    %(percent)s.
    """

    prices: str  # the table with a row for each price, which every look at a price reads
    discounts: str  # the table with a row for each discount
    set_price: str  # what sets or makes one price
    set_discount: str  # what sets or makes one discount
    all_prices: str  # what tells of each product of a shop its name and its price, without the discount


class Adapter(Protocol):
    """One storefront. What it should not have answered, or its silence, is an AssertionError with the last exchanges.

    Any number of threads may use it at once.
    """

    name: str  # that of the storefront's container

    # A customer

    def price(self, shop: str, product: str) -> int | None:
        """What a customer is shown that `product` costs; None when the shop does not sell it.

        The discount is taken off, and the rest is rounded down.
        """

    def discount(self, shop: str, customer: str) -> int:
        """The discount that the page of `customer` shows; 0 where there is none."""

    def price_is_kept_for(self, shop: str, product: str) -> float:
        """For how many seconds a browser, or a proxy on the way, may show that price again without asking.

        0 for never, infinite where it is told nothing, as it may decide for itself then (RFC 9111, section 4.2.2).
        """

    def page_is_kept_for(self, shop: str, customer: str) -> float:
        """The same of the page of `customer`."""

    # The shop

    def set_price(self, shop: str, product: str, cents: int) -> Outcome:
        """Sets or makes a price; returns when the storefront says what became of it."""

    def set_prices(self, shop: str, prices: Mapping[str, int]) -> Outcome:
        """Sets all of these prices in one step, or none."""

    def set_discount(self, shop: str, percent: int) -> Outcome:
        """Sets the discount of the whole shop."""

    def remove(self, shop: str, product: str) -> Outcome:
        """Takes `product` out of the shop."""

    # Where the platform keeps things

    def price_key(self, shop: str, product: str) -> str:
        """The key of the string that is a cached price, on the Redis server."""

    def page_key(self, shop: str, customer: str) -> str:
        """The key of the string that is a cached page, on the Redis Cluster."""

    def cached_price(self, cents: int, size: int = 0) -> str:
        """What is kept under the key of a price, made up to `size` bytes by what means nothing."""

    def cached_page(self, customer: str, percent: int) -> str:
        """What is kept under the key of a page."""

    def books(self) -> Books:
        """Where the truth is."""

    def close(self) -> None:
        """Gives the connections back."""
