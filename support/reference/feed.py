"""The node's one Pub/Sub connection to Redis, and how it notices that it has gone deaf.

Redis Pub/Sub delivers at most once: what is published while a connection is down is lost to it
(https://redis.io/docs/latest/develop/pubsub/). So the feed reconnects by itself and then says so to its
owner, who fetches what was missed; a client library that resubscribed in silence would hide that loss.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import ConnectionError, RedisError

CONNECT_WITHIN_S = 1.0
PING_EVERY_S = 1.0
DEAD_AFTER_S = 2.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 1.0

logger = logging.getLogger(__name__)

Command = tuple[tuple[str, ...], "asyncio.Future[bool]"]


class Feed:
    """Subscriptions to exact topics (never patterns), kept over any number of connections."""

    def __init__(
        self, url: str, standing: dict[str, Callable[[str], None]], restored: Callable[[], Awaitable[None]]
    ) -> None:
        """`standing` are the topics to begin with, each with what is called with its messages.

        `restored` is awaited whenever a connection stands and every topic is confirmed, the first time too.
        """
        # Only makes connections, holds none. A quiet topic is no time-out; silence is judged in _read.
        self._factory = ConnectionPool.from_url(url, protocol=2, decode_responses=True, socket_timeout=None)
        self._restored = restored
        self._topics = dict(standing)
        self._commands: asyncio.Queue[Command] = asyncio.Queue()
        self._unanswered: deque[asyncio.Future[bool]] = deque()
        self._open = False
        self._complete = False

    @property
    def live(self) -> bool:
        """Whether everything that is published on the topics is heard."""
        return self._open and self._complete

    async def subscribe(self, topic: str, hear: Callable[[str], None]) -> None:
        """Returns when Redis has confirmed; raises ConnectionError while there is no connection.

        Either way `hear` is called with each message from now on, until `unsubscribe`.
        """
        self._topics[topic] = hear
        if not (self._open and await self._request("SUBSCRIBE", topic)):
            raise ConnectionError(f"no Pub/Sub connection to Redis to subscribe to {topic!r}")

    def unsubscribe(self, topic: str) -> None:
        """Forgets the topic now; Redis is told as soon as possible, in order with what was asked before."""
        self._topics.pop(topic, None)
        if self._open:
            self._request("UNSUBSCRIBE", topic)

    async def run(self) -> None:
        """Keeps a connection for as long as the node lives; ends only by being cancelled."""
        pause = FIRST_PAUSE_S
        while True:  # pauses double while Redis stays away, so that a dead one is not hammered
            reason = await self._hold_one_connection()
            if self._complete:
                logger.warning("Redis Pub/Sub is lost (%s), reconnecting", reason)
                pause = FIRST_PAUSE_S
            self._complete = False
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _hold_one_connection(self) -> str:
        connection: AbstractConnection = self._factory.make_connection()
        reason = ""
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await connection.connect()
            self._open = True
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(connection))
                tasks.create_task(self._write(connection))
                tasks.create_task(self._restore())
        except* (RedisError, OSError) as lost:
            reason = "; ".join(str(error) or type(error).__name__ for error in lost.exceptions)
        finally:
            self._open = False
            self._give_up_requests()
            await connection.disconnect(nowait=True)
        return reason

    async def _read(self, connection: AbstractConnection) -> None:
        while True:
            async with asyncio.timeout(DEAD_AFTER_S):
                reply = await connection.read_response()
            if reply[0] == "message":
                if hear := self._topics.get(reply[1]):
                    hear(reply[2])
            else:
                self._settle(self._unanswered.popleft(), True)

    async def _write(self, connection: AbstractConnection) -> None:
        while True:
            try:
                async with asyncio.timeout(PING_EVERY_S):
                    words, answered = await self._commands.get()
            except TimeoutError:
                words, answered = ("PING",), asyncio.get_running_loop().create_future()
            # Redis answers in the order of the questions, so the oldest future belongs to the next reply.
            self._unanswered.append(answered)
            await connection.send_command(*words)

    async def _restore(self) -> None:
        await asyncio.gather(*[self._request("SUBSCRIBE", topic) for topic in self._topics])
        await self._restored()
        self._complete = True
        logger.info("Redis Pub/Sub is connected, %d topics", len(self._topics))

    def _request(self, *words: str) -> "asyncio.Future[bool]":
        """Gives a future: True when Redis has answered, False when the connection was lost before."""
        answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._commands.put_nowait((words, answered))
        return answered

    def _give_up_requests(self) -> None:
        while not self._commands.empty():
            self._unanswered.append(self._commands.get_nowait()[1])
        while self._unanswered:
            self._settle(self._unanswered.popleft(), False)

    @staticmethod
    def _settle(answered: "asyncio.Future[bool]", result: bool) -> None:
        if not answered.done():  # whoever asked may have been cancelled meanwhile
            answered.set_result(result)
