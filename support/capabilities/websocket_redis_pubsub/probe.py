"""How fast an update can be on this machine at this moment: Redis Pub/Sub with no platform in between."""

import time

from redis import Redis
from redis.client import PubSub
from redis.exceptions import RedisError

from support.errors import ProbeError


class BarePubSub:
    """As many subscribers as an update has, because a busy machine delays a broadcast more than a single message."""

    def __init__(self, address: tuple[str, int], subscribers: int) -> None:
        self._redis = Redis(host=address[0], port=address[1], socket_timeout=5)
        self._subscribers = [self._redis.pubsub(ignore_subscribe_messages=True) for _ in range(subscribers)]
        for subscriber in self._subscribers:
            subscriber.subscribe("bare")
            subscriber.get_message(timeout=5)

    def broadcast(self) -> list[float]:
        """Seconds from a PUBLISH to its arrival at each subscriber. Raises ProbeError when one waits for 5 s."""
        began = time.monotonic()
        try:
            self._redis.publish("bare", "x" * 100)
            return [self._arrival(subscriber) - began for subscriber in self._subscribers]
        except RedisError as error:
            raise ProbeError(f"Redis did not carry a bare message: {error}") from error

    def close(self) -> None:
        """Gives the connections back."""
        for subscriber in self._subscribers:
            subscriber.close()
        self._redis.close()

    @staticmethod
    def _arrival(subscriber: PubSub) -> float:
        if subscriber.get_message(timeout=5) is None:
            raise ProbeError("Redis did not deliver a bare message within 5 s")
        return time.monotonic()
