"""What Redis itself says, on a connection of the suite's own that no fault of a node touches."""

import threading
import time
from contextlib import suppress

from redis import Redis
from redis.client import PubSub
from redis.exceptions import RedisError

from support.containers.service import Store
from support.errors import ProbeError


class RedisProbe:
    """A look into one Redis server. Every method raises ProbeError when the server does not answer within 5 s."""

    def __init__(self, server: Store) -> None:
        host, port = server.address()
        self._redis = Redis(host=host, port=port, socket_timeout=5, socket_connect_timeout=5)

    def subscriptions(self, name_part: str) -> int:
        """How many subscribers Redis counts over all its channels whose name contains `name_part` (PUBSUB NUMSUB).

        The part of a name is enough, so that a target may name its channels as it likes.
        """
        try:
            wanted = [name for name in self._redis.pubsub_channels() if name_part.encode() in name]
            return sum(count for _, count in self._redis.pubsub_numsub(*wanted)) if wanted else 0
        except RedisError as error:
            raise ProbeError(f"Redis did not say its subscriptions: {error}") from error

    def drop_subscribers(self) -> None:
        """Closes every connection that is subscribed to anything (CLIENT KILL), as a server does with one too slow.

        Raises ProbeError when there was none.
        """
        try:
            dropped = self._redis.client_kill_filter(_type="pubsub")
        except RedisError as error:
            raise ProbeError(f"Redis did not drop its subscribers: {error}") from error
        if not dropped:
            raise ProbeError("Redis had no subscribers that it could drop")

    def lose_everything(self) -> None:
        """Empties the server (FLUSHDB), as a failover to an empty replica would."""
        try:
            self._redis.flushdb()
        except RedisError as error:
            raise ProbeError(f"Redis did not empty itself: {error}") from error

    def close(self) -> None:
        """Gives the connection back."""
        self._redis.close()


class Commands:
    """What all clients ask of one Redis server, from now on and as it comes (MONITOR)."""

    def __init__(self, server: Store) -> None:
        host, port = server.address()
        self._redis = Redis(host=host, port=port, socket_connect_timeout=5)
        self._monitor = self._redis.monitor()
        self._monitor.__enter__()
        self._heard: list[str] = []
        self._thread = threading.Thread(target=self._listen, name="redis monitor", daemon=True)
        self._thread.start()

    def naming(self, name: str) -> int:
        """How many commands have had `name` in them so far; what a script asks in turn does not count."""
        return sum(name in command for command in list(self._heard))

    def close(self) -> None:
        """Ends the connection, and with it the thread."""
        self._monitor.connection.disconnect()
        self._thread.join(5)
        self._redis.close()

    def _listen(self) -> None:
        with suppress(RedisError, OSError, ValueError, AttributeError):  # it is closed under the reader
            while True:
                command = self._monitor.next_command()
                if command["client_type"] != "lua":
                    self._heard.append(command["command"])


class BarePubSub:
    """Redis Pub/Sub with no platform in between: how fast an update can be on this machine at this moment.

    As many subscribers as an update has, because a busy machine delays a broadcast more than a single message.
    """

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
