"""One scenario of cached prices: a shop of its own, and what single rules need beyond it."""

from collections.abc import Sequence

from support.capabilities.cache_invalidation_redis.ageing import Ageing, Everything, Lifetimes
from support.capabilities.cache_invalidation_redis.changes import Commits, LateWords, Propagation, SlowReads, Wanted
from support.capabilities.cache_invalidation_redis.clears import BigClear, Blocking, ClusterClear, LookAlikes, Planted
from support.capabilities.cache_invalidation_redis.outages import Crowd, Deafness, PageCrowd
from support.capabilities.cache_invalidation_redis.shop import Shop
from support.faults.faults import Faults
from support.worlds.world import Stage


class World(Shop):
    """What the steps of one scenario share; what a single rule needs is made by the method that begins it."""

    def __init__(self, stage: Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.ageing = Ageing(self)
        self.everything = Everything(self)
        self.lifetimes = Lifetimes(self)
        self.look_alikes = LookAlikes(self)
        self.propagation = Propagation(self)
        self.slow_reads = SlowReads(self)
        self.late_words = LateWords(self)
        self.commits = Commits(self)
        self.deafness = Deafness(self)
        self.crowd = Crowd(self)
        self.page_crowd = PageCrowd(self)
        self.planted: list[Planted] = [self.look_alikes.planted]
        self.cleanups.callback(self._drop_planted)

    def cache_prices(self, count: int) -> None:
        """`count` prices of the shop are cached on the Redis server."""
        self.big_clear = BigClear(self, count)
        self.planted.append(self.big_clear.planted)
        self.blocking = Blocking(self.cached_prices, self.cached_pages)

    def cache_pages(self, count: int, others: int) -> None:
        """`count` pages of the shop, and `others` of another, are cached on the Redis Cluster."""
        self.cluster_clear = ClusterClear(self, count, others)
        self.planted.append(self.cluster_clear.planted)
        self.blocking = Blocking(self.cached_prices, self.cached_pages)

    def watch_questions(self) -> None:
        """From now on the questions to the database about this shop are counted."""
        self.wanted = Wanted(self)

    def open_look_alikes(self, names: Sequence[str], count: int, spared: bool = False) -> None:
        """A shop for each of `names`, with `count` cached prices, to be cleared or to be `spared`."""
        self.look_alikes.open_shops(names, count, spared)

    def expect_cleared(self) -> None:
        """None of the entries that a clear was meant for is left, and all others are. AssertionError if not."""
        for planted in self.planted:
            planted.expect_cleared()

    def _drop_planted(self) -> None:
        for planted in self.planted:
            planted.drop()
