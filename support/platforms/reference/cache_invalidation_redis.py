"""The reference platform's adapter."""

from support.capabilities.cache_invalidation_redis.client import Storefront as Adapter

__all__ = ["Adapter"]
