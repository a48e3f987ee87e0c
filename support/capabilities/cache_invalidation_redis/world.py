"""One scenario of cached prices: a shop of its own, and what single rules need beyond it."""

from support.capabilities.cache_invalidation_redis.ageing import Ageing, Browsers, Everything, Lifetimes
from support.capabilities.cache_invalidation_redis.changes import (
    Authors,
    Commits,
    LateWords,
    Propagation,
    Rivals,
    SlowReads,
    Wanted,
)
from support.capabilities.cache_invalidation_redis.clears import BigClear, Blocking, ClusterClear, LookAlikes
from support.capabilities.cache_invalidation_redis.names import SimilarNames
from support.capabilities.cache_invalidation_redis.outages import Business, Deafness, PriceCrowd
from support.capabilities.cache_invalidation_redis.shop import Shop
from support.worlds.world import part


class World(Shop):
    """What the steps of one scenario share."""

    ageing = part(Ageing)
    browsers = part(Browsers)
    everything = part(Everything)
    lifetimes = part(Lifetimes)
    similar_names = part(SimilarNames)
    look_alikes = part(LookAlikes)
    big_clear = part(BigClear)
    cluster_clear = part(ClusterClear)
    blocking = part(Blocking)
    propagation = part(Propagation)
    authors = part(Authors)
    rivals = part(Rivals)
    slow_reads = part(SlowReads)
    late_words = part(LateWords)
    commits = part(Commits)
    wanted = part(Wanted)
    deafness = part(Deafness)
    business = part(Business)
    crowd = part(PriceCrowd)

    def cache_prices(self, count: int) -> None:
        """`count` prices of the shop are cached; from now on it is counted what blocks Redis."""
        self.big_clear.plant(count)
        self.blocking.begin()

    def cache_pages(self, count: int, others: int) -> None:
        """`count` pages of the shop, and `others` of another, are cached on the cluster; the same is counted."""
        self.cluster_clear.plant(count, others)
        self.blocking.begin()
