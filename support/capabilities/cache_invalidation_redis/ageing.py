"""Cached prices that grow old: each ends in time, none before, none never, and not all at once."""

import time
from bisect import bisect_right
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import product as product_of
from statistics import quantiles
from typing import NamedTuple

from hamcrest import assert_that

from support.capabilities.cache_invalidation_redis.client import Adapter
from support.capabilities.cache_invalidation_redis.matchers import shows
from support.capabilities.cache_invalidation_redis.shop import Shop
from support.errors import FaultError, ProbeError
from support.polling import poll
from support.promise import must
from support.worlds.crowds import for_each, portions
from support.worlds.world import wait_until

_WAITS_WITHIN_S = 5.0
_COME_BACK_WITHIN_S = 20.0
_SLOT_S = 0.2
_LOOKS_BEFORE_S = 0.05
_PORTION = 50  # pages whose ends are asked for together; a busy machine shows more only when the first have ended
_ROUNDED_S = 0.002  # PTTL tells whole milliseconds


class Ageing:
    """Prices that the first storefront cached at a known time, and that changed behind its back since.

    The second one makes its copies late, of what is old by then: these must not live longer for that, nor because
    Redis's answers reach it late.
    """

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._ends: dict[str, float] = {}  # when each is over at the latest, as Redis said (monotonic seconds)
        self._shown: list[tuple[str, str, int | None, float]] = []  # who showed what, and when (monotonic seconds)

    def begin(self, count: int) -> None:
        """The first storefront caches `count` prices, and Redis says for how long each is kept."""
        self._world.stock_and_show(count, self._world.storefronts[:1])
        for product in self._world.prices:
            left = self._world.cached_prices.lifetime(self._world.price_key(product))
            self._ends[product] = time.monotonic() + left

    def expect_cached(self, from_s: float, until_s: float) -> None:
        """`from_s` after the first was cached both storefronts show the cached prices. AssertionError if not.

        What is shown later than `until_s` after that may be another. FaultError when that is all of a storefront's.
        """
        wait_until(self._world.cached_at[0] + from_s)
        for_each([(s, product) for product in self._ends for s in self._world.storefronts], self._look, at_once=32)
        for storefront in self._world.storefronts:
            shown = self._shown_by(storefront, self._world.cached_at[0] + until_s)
            if not shown:
                raise FaultError(f"{storefront.name} was asked, and all answers came later than after {until_s:g} s")
            assert_that(shown, shows({product: self._world.cached[product] for product in shown}), storefront.name)

    def expect_fresh_after_end(self, late_s: float, age_s: float) -> None:
        """`late_s` after the end of each both storefronts show its new price. AssertionError if not.

        The same when it was cached `age_s` ago, whatever Redis says of its end.
        """
        last = self._world.cached_at[1] + age_s
        looks: list[tuple[str, str, Future[int | None]]] = []
        for product, end in sorted(self._ends.items(), key=lambda one: one[1]):
            wait_until(min(end + late_s, last))
            customers = [(storefront, product) for storefront in self._world.storefronts]
            looks += [(s.name, p, look) for (s, p), look in zip(customers, self._world.send(customers), strict=True)]
        for storefront in self._world.storefronts:
            shown = {product: look.result() for name, product, look in looks if name == storefront.name}
            assert_that(shown, shows(self._world.prices), storefront.name)

    def _look(self, which: tuple[Adapter, str]) -> None:
        storefront, product = which
        cents = storefront.price(self._world.name, product)
        self._shown.append((storefront.name, product, cents, time.monotonic()))

    def _shown_by(self, storefront: Adapter, end: float) -> dict[str, int | None]:
        return {product: cents for name, product, cents, at in self._shown if name == storefront.name and at < end}


class Browsers:
    """What customers' browsers, and proxies on the way to them, are told of how long they may keep an answer."""

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._kept_for: dict[str, float] = {}  # seconds, by who showed what

    def look(self) -> None:
        """A customer of each storefront looks at a product, at one that is not sold, and at a page, twice each."""
        product = next(iter(self._world.prices))
        for storefront, which in product_of(self._world.storefronts, ("first", "second")):
            place = f"at {storefront.name} the {which} time"
            self._kept_for |= {
                f"a price {place}": storefront.price_is_kept_for(self._world.name, product),
                f"no price {place}": storefront.price_is_kept_for(self._world.name, "unheard-of"),
                f"a page {place}": storefront.page_is_kept_for(self._world.name, "customer-0"),
            }

    def expect_nothing_kept(self) -> None:
        """None of it may be shown again without asking. AssertionError with what may."""
        kept = {what: seconds for what, seconds in self._kept_for.items() if seconds}
        must(not kept, f"browsers may show again, for so many seconds: {kept}")


class Everything:
    """All that customers and shops do, so that the caches hold an entry of every sort that there is."""

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._keys: set[str] = set()  # what the caches must hold, or else not all of them is seen
        self._older: set[str] = set()  # what they held before

    def begin(self, count: int) -> None:
        """`count` new products, which both storefronts have shown, so cached."""
        self._older = {*self._world.cached_prices.keys(), *self._world.cached_pages.keys()}
        self._world.stock_and_show(count)

    def happens(self) -> None:
        """Prices and pages are looked at, changed, removed and looked for in vain, at both storefronts."""
        world = self._world
        products = list(world.prices)
        for number, storefront in enumerate(world.storefronts):
            world.change(storefront, products[number::4])
            world.done(storefront.remove(world.name, products[number + 2]))
            world.prices[products[number + 2]] = None
        world.look_at_pages(5)
        world.prices |= {f"unheard-of-{number}": None for number in range(5)}
        world.expect_shown(world.prices, within_s=1)
        self._keys = {world.price_key(product) for product in world.prices}
        self._keys |= {world.keys.page_key(world.name, customer) for customer in world.customers}

    def expect_end_within(self, longest_s: float, fetched_for_s: float) -> None:
        """All that both caches hold ends within `longest_s`, also while a price is fetched. AssertionError if not."""
        (fetched,) = self._world.stock(1)
        with self._world.origin.closed():
            waits = self._world.send([(self._world.storefronts[0], fetched)])
            if not poll(lambda: self._waits(longest_s), _WAITS_WITHIN_S, every_s=0.01):
                raise FaultError("nobody waits for the database, though it is closed to all")
            kept = self._expect_ends(longest_s)
            # What is done for a fetch that takes long, such as to renew its lease, is done more than once meanwhile.
            poll(lambda: not self._expect_ends(longest_s), fetched_for_s, every_s=0.2)
        waits[0].result()
        if missing := self._keys - kept.keys():
            raise ProbeError(f"{len(missing)} entries that should be in the caches are not, such as {min(missing)}")

    def _waits(self, longest_s: float) -> bool:
        """Whether somebody waits for the database; what the caches hold ends all the while, also before a renewal."""
        self._expect_ends(longest_s)
        return self._world.origin.waiting() == 1

    def _expect_ends(self, longest_s: float) -> dict[str, float]:
        """All that both caches hold by now since this began, and for how long yet (seconds)."""
        found = self._world.cached_prices.lifetimes() | self._world.cached_pages.lifetimes()
        lifetimes = {key: left for key, left in found.items() if key not in self._older}
        wrong = {key: left for key, left in lifetimes.items() if not 0 <= left <= longest_s}
        some = list(wrong.items())[:5]
        must(not wrong, f"{len(wrong)} of {len(lifetimes)} entries do not end within {longest_s:g} s: {some}")
        return lifetimes


class Cached(NamedTuple):
    """One price that was cached: after `asked`, before `shown`; it ends between `earliest` and `latest`.

    All are monotonic seconds. The end is what Redis said at once, which took a moment.
    """

    asked: float
    shown: float
    earliest: float
    latest: float


class Lifetimes:
    """Many prices that are cached in a rush, for how long each, and when each came back to the database.

    For how long pages are cached is judged beside that.
    """

    def __init__(self, world: Shop) -> None:
        self._world = world
        self._cached: dict[str, Cached] = {}
        self._pages: dict[str, Cached] = {}
        self._ended: dict[str, float] = {}  # when each was found to be there no more (monotonic seconds)
        self._shown_again: dict[str, Future[int | None]] = {}

    def look_at_all(self, pages: int) -> None:
        """So many pages and every product are looked at, at both storefronts in turn.

        Every product is looked at once more as soon as it is cached no longer.
        """
        asked = self._world.closing.enter_context(self._world.origin.questions(self._world.name))
        self._look_at_pages(pages)
        for_each(list(enumerate(self._world.prices)), self._look)
        poll(self._look_again, _COME_BACK_WITHIN_S, every_s=0.02)
        shown = {product: answer.result() for product, answer in self._shown_again.items()}
        assert_that(shown, shows(self._world.prices), "looked at again as soon as they had ended")
        self._questions = asked()

    def expect_between(self, least_s: float, most_s: float) -> None:
        """Redis was to keep each for `least_s` to `most_s`, and did not drop it before. AssertionError if not."""
        for what, one in (self._cached | self._pages).items():
            told = f"{what} was to be kept for {one.earliest - one.shown:.3f} to {one.latest - one.asked:.3f} s"
            in_time = one.latest - one.asked >= least_s and one.earliest - one.shown <= most_s
            must(in_time, f"{told}, expected {least_s:g} to {most_s:g} s")
            early = one.earliest - self._ended.get(what, one.earliest)
            must(early <= _ROUNDED_S, f"{told}, and was gone {early:.3f} s too early")

    def expect_spread(self, least_s: float) -> None:
        """Nine in ten of the lifetimes, those in the middle, differ by `least_s` or more, and so do those of pages.

        AssertionError if not.
        """
        for what, cached in (("prices", self._cached), ("pages", self._pages)):
            cuts = quantiles([one.earliest - one.shown for one in cached.values()], n=20)
            must(cuts[-1] - cuts[0] >= least_s, f"nine in ten of the {what} end within {cuts[-1] - cuts[0]:.2f} s")

    def expect_even(self, times: float, least_s: float, most_s: float) -> None:
        """In no 0.2 s do more than `times` as many end as if these ended evenly. AssertionError if they do.

        Evenly: each with the same chance at any moment `least_s` to `most_s` after it was cached. That is judged for
        this very rush, and for one in which all would have been cached at the same moment.
        """
        ends = sorted(one.earliest for one in self._cached.values())
        even = max(self._evenly(end, least_s, most_s) for end in ends[::10])
        _expect_peak(ends, times * even)
        lifetimes = sorted(one.earliest - one.shown for one in self._cached.values())
        _expect_peak(lifetimes, times * len(lifetimes) * _SLOT_S / (most_s - least_s))

    def expect_questions(self, times: int) -> None:
        """The database was asked `times` times for each product, and once for each page, neither more nor less.

        AssertionError if not.
        """
        expected = times * len(self._cached), len(self._pages)
        about_prices = [question for question in self._questions if self._world.keys.books().prices in question]
        counted = len(about_prices), len(self._questions) - len(about_prices)
        must(counted == expected, f"expected {expected} questions for prices and pages, counted {counted}")

    def _look_at_pages(self, count: int) -> None:
        for numbers in portions(range(count), _PORTION):
            self._look_at_portion(numbers)

    def _look_at_portion(self, numbers: Sequence[int]) -> None:
        seen: dict[str, tuple[float, float]] = {}

        def look(number: int) -> None:
            customer, asked = f"customer-{number}", time.monotonic()
            self._world.storefronts[number % 2].discount(self._world.name, customer)
            seen[customer] = (asked, time.monotonic())

        for_each(numbers, look)
        before = time.monotonic()
        left = self._world.cached_pages.lifetimes()
        after = time.monotonic()
        for customer, moments in seen.items():
            kept = left.get(self._world.keys.page_key(self._world.name, customer), 0)
            must(kept > 0, f"the page of {customer} was shown and is not cached ({kept:g} s)")
            self._pages[f"the page of {customer}"] = Cached(*moments, before + kept, after + kept)

    def _look(self, numbered: tuple[int, str]) -> None:
        number, product = numbered
        asked = time.monotonic()
        cents = self._world.storefronts[number % 2].price(self._world.name, product)
        shown = time.monotonic()
        left = self._world.cached_prices.lifetime(self._world.price_key(product))
        told = time.monotonic()
        true = self._world.prices[product]
        must(cents == true, f"{product} costs {true}, shown was {cents}")
        must(left > 0, f"{product} was shown and is not cached (PTTL {left:g} s)")
        self._cached[product] = Cached(asked, shown, shown + left, told + left)

    def _look_again(self) -> bool:
        """Looks at what has ended since the last time; whether all have. Nobody looks long before the end that is due.

        What was dropped earlier is found to be missing then, so too early all the same.
        """
        due = time.monotonic() + _LOOKS_BEFORE_S
        waited_for = [p for p, one in self._cached.items() if p not in self._ended and one.earliest < due]
        keys = {self._world.price_key(product): product for product in waited_for}
        kept = self._world.cached_prices.values(*keys)
        now = time.monotonic()
        ended = [product for key, product in keys.items() if kept[key] is None]
        self._ended |= dict.fromkeys(ended, now)
        answers = self._world.send([(self._world.storefronts[0], product) for product in ended])
        self._shown_again |= zip(ended, answers, strict=True)
        return len(self._ended) == len(self._world.prices)

    def _evenly(self, begin: float, least_s: float, most_s: float) -> float:
        """How many would end in the 0.2 s that begin then, were they spread evenly."""
        return sum(
            max(0.0, min(begin + _SLOT_S, one.shown + most_s) - max(begin, one.shown + least_s)) / (most_s - least_s)
            for one in self._cached.values()
        )


def _expect_peak(moments: list[float], most: float) -> None:
    """No 0.2 s have more than `most` of these moments, which are in order. AssertionError if some have."""
    peak = max(bisect_right(moments, moment + _SLOT_S) - place for place, moment in enumerate(moments))
    must(peak <= most, f"up to {peak} of {len(moments)} prices end within {_SLOT_S:g} s, expected {most:.0f} or fewer")
