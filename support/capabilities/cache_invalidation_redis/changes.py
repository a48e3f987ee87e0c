"""Changes of prices, and who reads meanwhile: at the other storefront, too early, too late, or in vain."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack
from functools import partial
from itertools import islice
from statistics import quantiles
from typing import TypeVar

from hamcrest import assert_that

from support.capabilities.cache_invalidation_redis.client import Adapter, Outcome
from support.capabilities.cache_invalidation_redis.matchers import shows
from support.capabilities.cache_invalidation_redis.shop import DISCOUNT, Prices, Shop
from support.errors import FaultError
from support.polling import poll
from support.promise import broken, must
from support.worlds.crowds import for_each, portions
from support.worlds.world import turns, wait_until

_HOLDS_WITHIN_S = 5.0
_QUIET_S = 0.3
_HEARD_WITHIN_S = 0.1  # a change at the other storefront
_KEPT_S = 60.0
_GIVE_UP_S = 2.0
_ALL_WAIT_WITHIN_S = 1.0
_ENDS_SOON_S = 2.5
_PATIENCE_S = 60.0  # for all changes together: by then it is plain that they are not seen at once
_AT_ONCE = 40  # reads that are held at once: a storefront has no more than 45 connections for them
# What no platform can have: below nothing, more than all, and what somebody gets who leans on a key.
_IMPOSSIBLE_CENTS = (-1, 10**20)
_IMPOSSIBLE_PERCENT = (-1, 101, 200, 2**31, 10**20)
One = TypeVar("One")


class Propagation:
    """Many changes, each looked for at the other storefront until it is seen; for how long it was not (seconds)."""

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._stale_s: list[float] = []
        self._went_back: list[str] = []
        self._given_up = False  # a change was not seen for so long that it never will be, or all are seen too late

    def change_each(self, times: int) -> None:
        """Each price is changed `times` times, at both storefronts in turn."""
        for number in range(times):
            writer, reader = self._world.storefronts[number % 2], self._world.storefronts[(number + 1) % 2]
            for_each(list(self._world.prices), partial(self._try, writer, reader))

    def expect_seen(self, percent: int, within_s: float, all_within_s: float) -> None:
        """`percent` in 100 changes were seen within `within_s`, all within `all_within_s`. AssertionError if not."""
        tail, worst = quantiles(self._stale_s, n=100)[percent - 1], max(self._stale_s)
        told = (
            f"{percent} in 100 of {len(self._stale_s)} changes were seen within {tail:.3f} s, the last in {worst:.3f} s"
        )
        must(tail <= within_s and worst <= all_within_s, f"{told}, expected {within_s:g} s and {all_within_s:g} s")
        must(not self._given_up, f"{told}, and no more were tried, because it took too long")

    def expect_no_way_back(self) -> None:
        """Nobody was shown a price that is older than one already seen. AssertionError with who was."""
        must(not self._went_back, f"{len(self._went_back)} times an older price came back: {self._went_back[:3]}")

    def _try(self, writer: Adapter, reader: Adapter, product: str) -> None:
        if self._given_up:
            return  # it is told already, and each further change would be waited for as long
        shop, before, cents = self._world.name, self._world.prices[product], next(self._world.cents)
        for storefront in self._world.storefronts:
            if (shown := storefront.price(shop, product)) != before:
                self._went_back.append(f"{storefront.name} shows {shown} for {product}, which costs {before}")
        self._world.done(writer.set_price(shop, product, cents))
        acknowledged = time.monotonic()
        last_stale = acknowledged
        # A price that was shown to a question from after the change was stale when that question was asked, for sure.
        while (asked := time.monotonic()) and reader.price(shop, product) != cents and not self._given_up:
            last_stale = asked
            self._given_up = asked > acknowledged + _GIVE_UP_S
        self._stale_s.append(last_stale - acknowledged)
        self._given_up |= sum(self._stale_s) > _PATIENCE_S
        self._world.prices[product] = cents


class Authors:
    """Those who change a price, and look at it at once where they have changed it."""

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._shown: dict[str, int | None] = {}
        self._stale: list[str] = []  # what was shown after a change of many, and was from before it

    def change_and_look(self) -> None:
        """Every price is changed at the first storefront, and looked at there when that one says that it is done."""
        for_each(list(self._world.prices), self._try)

    def expect_own_changes(self) -> None:
        """Each was shown the price that it had set. AssertionError if not."""
        assert_that(self._shown, shows(self._world.prices), "to those who had just set it")

    def change_many_and_look(self, times: int) -> None:
        """So often: new prices for all products in one step, then another discount, at both storefronts in turn.

        The last discount is the one that others expect.
        """
        percent = 0
        for storefront, left in zip(turns(self._world.storefronts), range(times, 0, -1), strict=False):
            fresh = {product: next(self._world.cents) for product in self._world.prices}
            self._world.done(storefront.set_prices(self._world.name, fresh))
            self._look_at_all(storefront, fresh, percent)
            percent = DISCOUNT * left
            self._world.done(storefront.set_discount(self._world.name, percent))
            self._look_at_all(storefront, fresh, percent)

    def expect_nothing_stale(self) -> None:
        """Whoever had changed many prices was shown the new ones at once. AssertionError if not."""
        must(not self._stale, f"{len(self._stale)} times an old one was shown to its author: {self._stale[:3]}")

    def _look_at_all(self, storefront: Adapter, prices: Mapping[str, int], percent: int) -> None:
        """Pages first, then prices: what is wrong is remembered."""
        world = self._world
        pages = world.send_to_pages([(storefront, customer) for customer in world.customers])
        world.prices = {product: cents * (100 - percent) // 100 for product, cents in prices.items()}
        shown = world.shown(storefront, list(world.prices))
        self._stale += [
            f"{storefront.name} shows {shown[product]} for {product}, which costs {cents}"
            for product, cents in world.prices.items()
            if shown[product] != cents
        ]
        self._stale += [
            f"a page shows {page.result()} %, not {percent} %" for page in pages if page.result() != percent
        ]

    def _try(self, product: str) -> None:
        world, storefront = self._world, self._world.storefronts[0]
        cents = next(world.cents)
        world.done(storefront.set_price(world.name, product, cents))
        world.prices[product] = cents
        self._shown[product] = storefront.price(world.name, product)


class Rivals:
    """Those who change the same prices at the same time, at both storefronts."""

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._lists: list[dict[str, int]] = []

    def change_one_after_the_other(self) -> None:
        """Every price changes at the first storefront and, once the database has that, at the second.

        The first one still has to tell Redis of its change. Returns when all is done.
        """
        world, (first, second) = self._world, self._world.storefronts
        earlier, later = ({product: next(world.cents) for product in world.prices} for _ in range(2))
        changes = world.begin(first.set_price, *earlier.items())
        if not poll(lambda: world.origin.prices(world.name) == earlier, _HOLDS_WITHIN_S, every_s=0.01):
            raise FaultError(f"the database did not have the first storefront's prices within {_HOLDS_WITHIN_S:g} s")
        changes += world.begin(second.set_price, *later.items())
        for change in changes:
            change.result()

    def change_lists_at_both(self, count: int) -> None:
        """So many lists, each a new price for every product; every second one begins at the end.

        They begin while the product in the middle is held, so that all of them are under way at once. AssertionError
        when one is not done: who changes the same prices at the same time is not in each other's way.
        """
        products = list(self._world.prices)
        orders = (products, products[::-1])
        self._lists = [
            {product: next(self._world.cents) for product in order} for order in islice(turns(orders), count)
        ]
        middle, origin = products[len(products) // 2], self._world.origin
        with origin.price_held(self._world.name, middle, self._world.prices[middle] or 0):
            changes = [
                change
                for storefront, prices in zip(turns(self._world.storefronts), self._lists, strict=False)
                for change in self._world.begin(storefront.set_prices, [prices])
            ]
            poll(lambda: origin.waiting_for_rows() >= count, _ALL_WAIT_WITHIN_S)
        for change in changes:
            change.result()

    def expect_one_list(self) -> None:
        """The database has one of the lists, and nothing of another. AssertionError if not."""
        held = self._world.origin.prices(self._world.name)
        must(held in self._lists, f"the database has {held}, expected one of {self._lists}")

    def expect_what_holds(self, within_s: float) -> None:
        """Within `within_s` both storefronts show what the database has, whoever was last. AssertionError if not."""
        self._world.prices |= self._world.origin.prices(self._world.name)
        self._world.expect_shown(self._world.prices, within_s)


class SlowReads:
    """The first storefront has asked the database, which has looked and whose answer is under way for long."""

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._first, self._second = world.storefronts
        self._later: list[Future[int | None]] = []

    def interleave(self) -> None:
        """Every price is read by the first storefront, and changed at the second before the answer arrives there."""
        for products in portions(list(self._world.prices), _AT_ONCE):
            self.ask(products)
            self._world.change(self._second, products)
            self.answer()

    def ask(self, products: Sequence[str]) -> None:
        """Customers ask the first storefront; returns when the database has looked for all of them."""
        self._world.faults.hold("postgres", self._first.name)
        self._since = since = self._world.origin.now()
        self._readers = self._world.send([(self._first, product) for product in products])
        origin = self._world.origin
        if not poll(lambda: origin.reads_done(since) >= len(products), _HOLDS_WITHIN_S, every_s=0.02):
            looked = origin.reads_done(since)
            raise FaultError(f"{looked} of {len(products)} reads reached the database within {_HOLDS_WITHIN_S:g} s")

    def answer(self) -> None:
        """The answers arrive. FaultError when one had arrived before, so that nothing was held."""
        early = sum(reader.done() for reader in self._readers)
        self._world.faults.join("postgres", self._first.name)
        for reader in self._readers:
            reader.result()
        if early:
            raise FaultError(f"{early} answers of the database were not held back")

    def wait_after(self, wait_s: float, change: Callable[[], None]) -> None:
        """Does `change`; that is `wait_s` ago when this returns, and the first storefront has had the word of it.

        It has when it has that of one more change, which comes after it. Who has heard nothing for 2 s is to be judged.
        """
        world, last = self._world, "product-told-of-last"
        world.origin.set_prices(world.name, {last: next(world.cents)})
        world.cached_prices.keep({world.price_key(last): world.keys.cached_price(next(world.cents))}, _KEPT_S)
        self._first.price(world.name, last)
        change()
        changed = time.monotonic()
        world.done(self._second.set_price(world.name, last, next(world.cents)))
        poll(lambda: self._asks_anew(last), _GIVE_UP_S)
        wait_until(changed + wait_s)

    def change_at_second(self) -> None:
        """Every price changes at the second storefront."""
        self._world.change(self._second)

    def _asks_anew(self, product: str) -> bool:
        """Whether a customer who comes now lets the first storefront ask the database, beside all that it has asked."""
        self._world.send([(self._first, product)])
        asked, origin = len(self._readers), self._world.origin
        return poll(lambda: origin.reads_done(self._since) > asked, _HEARD_WITHIN_S, every_s=0.01)

    def others_ask(self) -> None:
        """Other customers ask the first storefront for the same, and are still waiting when the answers arrive."""
        self._later = self._world.send([(self._first, product) for product in self._world.prices])
        poll(lambda: all(reader.done() for reader in self._later), _QUIET_S)
        self.answer()

    def expect_others_see_new(self) -> None:
        """Those who asked after the change are shown the new prices. AssertionError if not."""
        shown = {product: one.result() for product, one in zip(self._world.prices, self._later, strict=True)}
        wrong = {product: cents for product, cents in shown.items() if cents != self._world.prices[product]}
        must(not wrong, f"{len(wrong)} who asked after the change were shown the price before it: {wrong}")


class LateWords:
    """What a storefront and Redis say to each other comes late, so that a change overtakes it."""

    # Of cached prices, in bytes: all arrive within the second that a client gives an answer. Sizes differ, so that
    # also on a busy machine some arrive after the change and in time.
    _LEAST, _STEP = 40_000, 3_500
    _BYTES_PER_S = 80_000
    _TRIES = 3

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._first, self._second = world.storefronts

    def make_answers_late(self) -> None:
        """Redis has every price in a large entry, which takes 0.5 s to 0.9 s to arrive at the first storefront."""
        for number, (product, cents) in enumerate(self._world.prices.items()):
            entry = self._world.keys.cached_price(cents or 0, self._LEAST + number * self._STEP)
            self._world.cached_prices.keep({self._world.price_key(product): entry}, _KEPT_S)
        self._world.faults.narrow("redis", self._first.name, self._BYTES_PER_S)

    def change_before_answers(self) -> None:
        """Customers ask the first storefront; when Redis has looked, the prices change at the second.

        Half of them are asked for again there, and the database answers that when Redis's late answers have arrived.
        FaultError when no price had changed before the answer for it arrived.
        """
        looked = self._looks()
        readers = self._world.send([(self._first, product) for product in self._world.prices])
        if not poll(lambda: self._looks() >= looked + len(readers), _HOLDS_WITHIN_S, every_s=0.02):
            raise FaultError(f"Redis was not asked for {len(readers)} prices within {_HOLDS_WITHIN_S:g} s")
        self._world.change(self._second)
        late = [reader for reader in readers if not reader.done()]
        with self._world.origin.closed():
            others = self._ask_again(list(self._world.prices)[::2])
            wait(readers, _GIVE_UP_S)
        for reader in (*readers, *others):
            reader.result()
        if not late:
            raise FaultError("every answer of Redis had arrived before the prices were changed")

    def _ask_again(self, products: Sequence[str]) -> list[Future[int | None]]:
        """Customers who ask the first storefront for `products`; returns when all of these wait for the database.

        Who comes before that storefront has heard of a change joins those who wait already, so more are sent then.
        """
        sent: list[Future[int | None]] = []

        def asked() -> bool:
            sent.extend(self._world.send([(self._first, product) for product in products]))
            return poll(lambda: self._world.origin.waiting() >= len(products), _HEARD_WITHIN_S, every_s=0.01)

        any(asked() for _ in range(self._TRIES))
        return sent

    def change_while_others_look(self) -> None:
        """The prices change at the first storefront; customers ask the second all the time until that is done."""
        fresh = {product: next(self._world.cents) for product in self._world.prices}
        self._look_until_done(self._world.begin(self._first.set_price, *fresh.items()))
        self._world.prices |= fresh

    def change_discount_while_others_look(self) -> None:
        """The same for a discount, and for pages."""
        self._look_until_done(self._world.begin(self._first.set_discount, [DISCOUNT]))
        self._world.prices = self._world.discounted()

    def _look_until_done(self, changes: Sequence[Future[None]]) -> None:
        products, customers = list(self._world.prices), self._world.customers

        def done() -> bool:
            pages = self._world.send_to_pages([(self._second, customer) for customer in customers])
            self._world.shown(self._second, products)
            wait(pages)
            return all(change.done() for change in changes)

        if not poll(done, _PATIENCE_S, every_s=0.005):
            broken(f"{self._first.name} did not make {len(changes)} changes within {_PATIENCE_S:g} s")
        for change in changes:
            change.result()

    def _looks(self) -> int:
        return self._world.cached_prices.calls("GET")["GET"]


class Commits:
    """Changes that are refused, and changes that are held in their commit."""

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._gate = world.opened(ExitStack())
        self._changes: list[Future[None]] = []
        self._fresh: Prices = {}
        self._outcomes: dict[str, Outcome] = {}  # by what was asked for

    def ask_for_the_impossible(self) -> None:
        """At each storefront: impossible prices, alone and beside a possible one, and impossible discounts."""
        name, (first, second) = self._world.name, self._world.prices
        self._before = self._kept()
        for storefront in self._world.storefronts:
            for cents in _IMPOSSIBLE_CENTS:
                prices = {first: next(self._world.cents), second: cents}
                self._outcomes[f"{cents} cents at {storefront.name}"] = storefront.set_price(name, first, cents)
                self._outcomes[f"a list with {cents} cents"] = storefront.set_prices(name, prices)
            for percent in _IMPOSSIBLE_PERCENT:
                self._outcomes[f"{percent} % at {storefront.name}"] = storefront.set_discount(name, percent)

    def expect_refused(self) -> None:
        """The shop was told so, each time. AssertionError with what was not refused."""
        done = [what for what, outcome in self._outcomes.items() if outcome is not Outcome.REFUSED]
        must(not done, f"expected to be refused: {done}\n{self._world.exchanges.last()}")

    def expect_caches_untouched(self) -> None:
        """Redis holds what it held; both storefronts show that, and ask nobody. AssertionError if not."""
        must(self._kept() == self._before, f"Redis held {self._before}, and now it holds {self._kept()}")
        with self._world.origin.questions(self._world.name) as asked:
            self._world.expect_shown(self._world.cached)
            self._world.expect_page_discounts(self._world.customers, 0)
            questions = asked()
        must(not questions, f"expected no question to the database, it was asked {len(questions)}: {questions[:2]}")

    def expect_database_untouched(self) -> None:
        """The database has the prices that it had, and no discount: a page that is not cached shows none.

        AssertionError if not.
        """
        self._world.expect_page_discounts(["somebody new"], 0)
        assert_that(self._world.origin.prices(self._world.name), shows(self._world.prices), "in the database")

    def begin_prices(self) -> None:
        """Every price is changed at the second storefront; returns when all of that waits for its commit."""
        self._fresh = {product: next(self._world.cents) for product in self._world.prices}
        self._begin(self._world.storefronts[1].set_price, *self._fresh.items())

    def begin_discount(self) -> None:
        """The shop changes its discount there, in the same way."""
        self._fresh = self._world.discounted()
        self._begin(self._world.storefronts[1].set_discount, [DISCOUNT])

    def begin_removals(self) -> None:
        """All products are taken out there, in the same way."""
        self._fresh = dict.fromkeys(self._world.prices)
        self._begin(self._world.storefronts[1].remove, *[[product] for product in self._world.prices])

    def read_and_commit(self) -> None:
        """Both storefronts are asked, and show what is still true; then the changes are committed."""
        self._world.expect_shown(self._world.cached)
        self._gate.close()
        for change in self._changes:
            change.result()
        self._world.prices |= self._fresh

    def _begin(self, change: Callable[..., Outcome], *what: Sequence[object]) -> None:
        self._gate.enter_context(self._world.origin.commits_held())
        self._changes = self._world.begin(change, *what)
        if not poll(lambda: self._world.origin.held_commits() == len(what), _HOLDS_WITHIN_S):
            raise FaultError(f"{self._world.origin.held_commits()} of {len(what)} changes wait for their commit")

    def _kept(self) -> dict[str, str | None]:
        world = self._world
        prices = world.cached_prices.values(*[world.price_key(product) for product in world.prices])
        pages = [world.keys.page_key(world.name, customer) for customer in world.customers]
        return prices | world.cached_pages.values(*pages)


class Wanted:
    """One product that many want, and how often the database is asked for it."""

    def __init__(self, world: Shop) -> None:
        self._world = world

    def begin(self) -> None:
        """From now on the questions to the database about this shop are counted."""
        self._asked = self._world.closing.enter_context(self._world.origin.questions(self._world.name))

    def look_in_vain(self, product: str, customers: int) -> None:
        """`customers` look for `product`, at both storefronts in turn, and are told that there is none.

        FaultError when they take longer than what the first of them was told is cached.
        """
        self._world.prices = {product: None}
        self._world.expect_shown(self._world.prices)
        left = self._world.cached_prices.lifetime(self._world.price_key(product))
        began = time.monotonic()
        for _ in range(customers // 2 - 1):
            self._world.expect_shown(self._world.prices)
        self.count()
        took = time.monotonic() - began
        if 0 < left < took:
            raise FaultError(f"{customers} customers came in more than the {left:g} s for which it is cached")
        if 0 < left < took + _ENDS_SOON_S:
            # What is to become wrong by the change must not end by itself before that is judged.
            wait_until(began + left)
            self._world.expect_shown(self._world.prices)

    def count(self) -> None:
        """Remembers how often the database has been asked so far."""
        self._questions = self._asked()

    def expect_questions(self, most: int) -> None:
        """When they were counted they were 1 to `most`; for a page, if one was looked at, no more either.

        AssertionError if not.
        """
        told = f"the database was asked {len(self._questions)} times, expected 1 to {most} for each"
        about_prices = [question for question in self._questions if self._world.keys.books().prices in question]
        in_bounds = 1 <= len(about_prices) <= most and len(self._questions) - len(about_prices) <= most
        must(in_bounds, f"{told}: {self._questions[:2]}")
