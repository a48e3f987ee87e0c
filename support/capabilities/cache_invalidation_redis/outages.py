"""Storefronts that cannot hear or reach Redis, and crowds that come to the database instead."""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from typing import Any

from support.capabilities.cache_invalidation_redis.shop import DISCOUNT, Shop
from support.containers.platform import Node
from support.errors import FaultError
from support.polling import poll
from support.probes.node import connections
from support.promise import broken, must
from support.worlds.world import turns, wait_until

_ARRIVES_WITHIN_S = 10.0
_RETURNS_WITHIN_S = 5.0
_STEADY_S = 0.4
_STARTS_WITHIN_S = 20.0


class Deafness:
    """Changes that a storefront has not heard of."""

    def __init__(self, world: Shop) -> None:
        self._world = world

    def change_unheard(self) -> None:
        """Prices and the discount change in the database, and what is cached of them vanishes from Redis.

        That is as if the word of it had been lost.
        """
        self._world.change_behind_their_back()
        self._world.origin.set_discount(self._world.name, DISCOUNT)
        self._world.prices = self._world.discounted()
        self._world.drop_from_redis()

    def break_connections(self) -> None:
        """Redis closes the connections on which storefronts hear of changes. ProbeError when there is none."""
        self._world.cached_prices.drop_subscribers()

    def break_and_await_connections(self) -> None:
        """The same, and each storefront makes a new one. AssertionError when that takes too long."""
        before = self._world.cached_prices.subscribers()
        self.break_connections()
        again = poll(lambda: self._world.cached_prices.subscribers() >= before, _RETURNS_WITHIN_S)
        must(again, f"{before} connections broke, and {self._world.cached_prices.subscribers()} stand again")

    def break_connections_unheard(self) -> None:
        """The prices change and no storefront hears of it; then the connections break by which it would have.

        Returns when they stand again: before that no storefront can know that it has missed something.
        """
        self.change_unheard()
        self.break_and_await_connections()

    def expect_no_way_back(self, within_s: float) -> None:
        """Within `within_s` both storefronts show the new prices and discount, and no price again that was over.

        AssertionError with who did, or still shows another.
        """
        since: set[tuple[str, str]] = set()  # which storefront has shown which product's new price
        first, second = self._world.storefronts

        def look() -> bool:
            # Where Redis's answers come late, an older price may be shown for a moment only.
            for storefront in (first, second, first):
                shown = self._world.shown(storefront, list(self._world.prices))
                new = {(storefront.name, p) for p, cents in shown.items() if cents == self._world.prices[p]}
                back = [p for name, p in since - new if name == storefront.name]
                must(not back, f"{storefront.name} had shown the new prices, and shows older ones again: {back}")
                since.update(new)
            return False

        poll(look, within_s, every_s=0.005)
        self._world.expect_shown(self._world.prices)
        self._world.expect_page_discounts(self._world.customers, DISCOUNT)

    def change_at_second(self) -> None:
        """The prices change at the second storefront."""
        self._world.change(self._world.storefronts[1])
        self._changed_at = time.monotonic()

    def expect_only_new_after_restart(self, window_s: float) -> None:
        """The second storefront reaches Redis again and gets well, and shows only new prices for `window_s` then.

        AssertionError when it does not.
        """
        node, second = self._world.fleet.nodes[1], self._world.storefronts[1:]
        self._world.faults.join("redis", second[0].name)
        well = poll(lambda: node.answers(*node.address()), _STARTS_WITHIN_S)
        must(well, node.plight())
        self._world.expect_only(self._world.prices, window_s, second)

    def expect_unknown_products_shown(self, window_s: float) -> None:
        """For `window_s` both storefronts show products that nobody has looked at before. AssertionError if not."""
        end = time.monotonic() + window_s

        def look() -> None:
            fresh = self._world.stock(2)
            self._world.expect_shown({product: self._world.prices[product] for product in fresh})

        poll(look, end - time.monotonic(), every_s=0.25)

    def expect_found_out(self, after_s: float) -> None:
        """The first storefront answers all the time, and from `after_s` after the change on with the new prices.

        AssertionError when it does not, or stops to within 0.5 s.
        """
        first = self._world.storefronts[:1]
        products = list(self._world.prices)
        until = self._changed_at + after_s - time.monotonic()
        poll(lambda: not self._world.shown(first[0], products), until, every_s=0.1)
        self._world.expect_only(self._world.prices, 0.5, first)


class Business:
    """A shop that changes all that it can change, and its customers, while the caches may not be there."""

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._asked: list[Future[Any]] = []

    def begin(self, customers: int) -> None:
        """New prices for all products but the last, which is taken out, and a new discount: all at once.

        So many customers come at the same time, half of them for a price and half for their page, to both storefronts.
        """
        world = self._world
        *kept, last = world.prices
        fresh = {product: next(world.cents) for product in kept}
        first, second = world.storefronts
        self._began = time.monotonic()
        self._asked += world.begin(second.set_prices, [fresh])
        self._asked += world.begin(first.remove, [last])
        self._asked += world.begin(first.set_discount, [DISCOUNT])
        visits = list(zip(turns(world.storefronts), range(customers // 2), strict=False))
        wanted = [(storefront, kept[number % len(kept)]) for storefront, number in visits]
        self._shown = list(zip([product for _, product in wanted], world.send(wanted), strict=True))
        self._pages = world.send_to_pages([(storefront, f"visitor-{number}") for storefront, number in visits])
        self._asked += [*[answer for _, answer in self._shown], *self._pages]
        before, with_discount = dict(world.prices), world.discounted()
        world.prices |= fresh | {last: None}
        after = world.discounted()
        self._possible = {p: {before[p], with_discount[p], world.prices[p], after[p]} for p in kept}
        world.prices = after

    def expect_served(self, within_s: float) -> None:
        """Within `within_s` everybody is answered, and the shop is told that it is done. AssertionError if not.

        What customers are shown meanwhile may be from before each change or from after it, and nothing else.
        """
        late = wait(self._asked, self._began + within_s - time.monotonic()).not_done
        must(not late, f"{len(late)} of {len(self._asked)} were not answered within {within_s:g} s")
        for answer in self._asked:
            answer.result()
        wrong = [(p, one.result()) for p, one in self._shown if one.result() not in self._possible[p]]
        wrong += [("a page", one.result()) for one in self._pages if one.result() not in (0, DISCOUNT)]
        must(not wrong, f"neither from before the changes nor from after them: {wrong[:5]}")


class PriceCrowd:
    """Many customers at once, while the database lets nobody through until all of them are there."""

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._most = 0
        self._customers: list[tuple[str, Future[int | None]]] = []
        self._visitors: list[Future[int]] = []

    def come(self, count: int, pages: int, at_least_s: float = 0, meanwhile: Callable[[], None] = lambda: None) -> None:
        """`count` customers look at the shop's products at once, then `pages` at pages, half at each storefront.

        There are as many different pages as products. The database lets nobody through until all of them wait,
        `meanwhile` is done, and for `at_least_s` since all who look at products do.
        """
        products, storefronts = list(self._world.prices), self._world.storefronts
        wishes = [(storefronts[n % 2], products[n % len(products)]) for n in range(count)]
        visits = [(storefronts[n % 2], f"visitor-{n % len(products)}") for n in range(pages)]
        with self._world.origin.closed():
            answers = self._world.send(wishes)
            self._customers = list(zip([product for _, product in wishes], answers, strict=True))
            self._await_crowd()
            began = time.monotonic()
            self._visitors = self._world.send_to_pages(visits)
            self._await_arrival((count + pages) // 2)
            self._await_crowd()
            meanwhile()
            wait_until(began + at_least_s)
        for asked in self._asked():
            asked.exception()

    def _await_arrival(self, count: int) -> None:
        """So many have a connection to each storefront, or have been answered already. FaultError if not."""
        for storefront in self._world.storefronts:
            node = self._world.fleet.named(storefront.name)
            if not isinstance(node, Node) or not poll(partial(self._are_there, node, count), _ARRIVES_WITHIN_S, 0.1):
                raise FaultError(f"{count} were to wait at {storefront.name}")

    def _are_there(self, node: Node, count: int) -> bool:
        return connections(node) + sum(one.done() for one in self._asked()) >= count

    def come_and_fail(self) -> None:
        """A customer looks at the first product, at the first storefront, and the database cancels the question.

        What this one is told is no promise, as long as it is no other price.
        """
        product = next(iter(self._world.prices))
        with self._world.origin.closed():
            (answer,) = self._world.send([(self._world.storefronts[0], product)])
            if not poll(lambda: self._world.origin.cancel() == 1, _ARRIVES_WITHIN_S):
                raise FaultError("nobody waits for the database, though it is closed to all")
            answer.exception()
        if answer.exception() is None and answer.result() != self._world.prices[product]:
            broken(f"a question that failed was answered with {answer.result()}")

    def expect_next_served(self, within_s: float) -> None:
        """Who comes now to a storefront is shown the true price within `within_s`. AssertionError if not."""
        product = next(iter(self._world.prices))
        answers = self._world.send([(storefront, product) for storefront in self._world.storefronts])
        late = wait(answers, within_s).not_done
        must(not late, f"{len(late)} of {len(answers)} customers were shown no price within {within_s:g} s")
        shown = [answer.result() for answer in answers]
        must(set(shown) == {self._world.prices[product]}, f"expected {self._world.prices[product]}, shown was {shown}")

    def expect_at_most(self, questions: int) -> None:
        """Never more than `questions` waited for the database at once. AssertionError with how many did."""
        must(self._most <= questions, f"the database was asked {self._most} questions at once, expected {questions}")

    def expect_served(self) -> None:
        """Every customer was shown the true price or page. AssertionError with the first who was not."""
        for product, answer in self._customers:
            shown, true = answer.result(), self._world.prices[product]
            must(shown == true, f"{product} costs {true}, shown was {shown}")
        for visitor in self._visitors:
            must(visitor.result() == 0, f"a page shows a discount of {visitor.result()}, and there is none")

    def _asked(self) -> list[Future[Any]]:
        return [*self._visitors, *[answer for _, answer in self._customers]]

    def _await_crowd(self) -> None:
        """Returns when no more questions have come to the database for a while, or nobody waits for an answer."""
        since, seen = time.monotonic(), -1

        def steady() -> bool:
            nonlocal since, seen
            now = self._world.origin.waiting()
            self._most = max(self._most, now)
            if now != seen:
                since, seen = time.monotonic(), now
            settled = seen > 0 and time.monotonic() - since >= _STEADY_S
            return settled or all(asked.done() for asked in self._asked())

        if not poll(steady, _ARRIVES_WITHIN_S, every_s=0.02):
            raise FaultError(f"{seen} questions wait for the database, which was closed to all")
