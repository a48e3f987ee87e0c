"""The reference platform's adapter."""

from support.capabilities.websocket_redis_pubsub.client import Gateway as Adapter

__all__ = ["Adapter"]
